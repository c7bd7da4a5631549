package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// dashboard is a dashboard in Grafana's classic JSON model, of which Grafana 10 and later read this version. Only the fields that
// differ from Grafana's defaults are there.
type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	Refresh       string     `json:"refresh"`
	Time          timeRange  `json:"time"`
	Templating    templating `json:"templating"`
	Links         []link     `json:"links"`
	Panels        []panel    `json:"panels"`

	y int // where the next row begins
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

// link leads to the other dashboards with the same tag.
type link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	KeepTime    bool     `json:"keepTime"`
	IncludeVars bool     `json:"includeVars"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	TargetBlank bool     `json:"targetBlank"`
}

type variable struct {
	Name       string `json:"name"`
	Label      string `json:"label"`
	Type       string `json:"type"`
	Query      any    `json:"query"`
	Datasource any    `json:"datasource,omitempty"`
	Refresh    int    `json:"refresh"` // 2: whenever the time range changes
	Sort       int    `json:"sort"`
	Multi      bool   `json:"multi"`
	IncludeAll bool   `json:"includeAll"`
	AllValue   string `json:"allValue,omitempty"`
	Current    any    `json:"current,omitempty"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func prometheus() source { return source{"prometheus", "${datasource}"} }

type panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	GridPos         gridPos          `json:"gridPos"`
	Datasource      any              `json:"datasource,omitempty"`
	Targets         []target         `json:"targets,omitempty"`
	FieldConfig     *fieldConfig     `json:"fieldConfig,omitempty"`
	Options         any              `json:"options,omitempty"`
	Transformations []transformation `json:"transformations,omitempty"`
	Collapsed       *bool            `json:"collapsed,omitempty"` // of a row
	Panels          []panel          `json:"panels,omitempty"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type target struct {
	RefID        string `json:"refId"`
	Datasource   source `json:"datasource"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat,omitempty"`
	Format       string `json:"format,omitempty"`
	Instant      bool   `json:"instant,omitempty"`
	Range        bool   `json:"range,omitempty"`
}

type fieldConfig struct {
	Defaults  defaults   `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type defaults struct {
	Unit       string         `json:"unit,omitempty"`
	Min        *int           `json:"min,omitempty"`
	Decimals   *int           `json:"decimals,omitempty"`
	Color      map[string]any `json:"color,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
	Thresholds *thresholds    `json:"thresholds,omitempty"`
	Mappings   []any          `json:"mappings,omitempty"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

// step is a color from a value on; the first has no value.
type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

type override struct {
	Matcher    map[string]any   `json:"matcher"`
	Properties []map[string]any `json:"properties"`
}

type transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}

func newDashboard(uid, title, description string, variables ...variable) *dashboard {
	const tag = "kafka-lag-adapter"
	datasource := variable{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"}
	return &dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"kafka", tag},
		SchemaVersion: 39, Editable: true, Refresh: "30s",
		Time:       timeRange{"now-1h", "now"},
		Templating: templating{append([]variable{datasource}, variables...)},
		Links: []link{{
			Title: "Kafka lag", Type: "dashboards", Tags: []string{tag}, AsDropdown: true, KeepTime: true, IncludeVars: true, Icon: "external link",
		}},
	}
}

// labelVariable offers the values of a label of a series. All of them is also what fits series that lack the label: one cluster
// has no label `cluster`, and there is then nothing to choose.
func labelVariable(name, label, series, ofLabel string) variable {
	query := fmt.Sprintf("label_values(%s, %s)", series, ofLabel)
	return variable{
		Name: name, Label: label, Type: "query", Datasource: prometheus(), Refresh: 2, Sort: 1,
		Query: map[string]any{"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		Multi: true, IncludeAll: true, AllValue: ".*",
		Current: map[string]any{"text": "All", "value": "$__all"},
	}
}

// row adds a heading and under it panels, from left to right, with a new line where one does not fit.
func (d *dashboard) row(title string, panels ...panel) {
	const width = 24
	d.add(panel{Type: "row", Title: title, Collapsed: new(false), GridPos: gridPos{H: 1, W: width, Y: d.y}})
	x, y, height := 0, d.y+1, 0
	for _, p := range panels {
		if x+p.GridPos.W > width {
			x, y, height = 0, y+height, 0
		}
		p.GridPos.X, p.GridPos.Y = x, y
		x, height = x+p.GridPos.W, max(height, p.GridPos.H)
		d.add(p)
	}
	d.y = y + height
}

func (d *dashboard) add(p panel) {
	p.ID = len(d.Panels) + 1
	d.Panels = append(d.Panels, p)
}

func (d *dashboard) encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.UID, err)
	}
	return out.Bytes(), nil
}

package main

import "strings"

// query is a PromQL expression and how its series are called in a legend, or its column in a table.
type query struct{ expr, name string }

// The heights of panels, in units of Grafana's grid.
const (
	statHeight  = 4
	graphHeight = 8
)

func targets(queries []query, format string, instant bool) (all []target) {
	for i, q := range queries {
		all = append(all, target{
			RefID: string(rune('A' + i)), Datasource: prometheus(), Expr: strings.TrimSpace(q.expr), LegendFormat: q.name,
			Format: format, Instant: instant, Range: !instant,
		})
	}
	return all
}

// stat shows one number, which turns red from the limit on; a limit of 0 means none.
func stat(title, description, unit string, limit float64, q query) panel {
	steps := []step{{Color: "green"}}
	if limit != 0 {
		steps = append(steps, step{"red", &limit})
	}
	return panel{
		Type: "stat", Title: title, Description: description, GridPos: gridPos{H: statHeight, W: 4}, Datasource: prometheus(),
		Targets:     targets([]query{q}, "time_series", true),
		FieldConfig: &fieldConfig{Defaults: defaults{Unit: unit, Thresholds: &thresholds{"absolute", steps}}, Overrides: []override{}},
		Options:     statOptions(),
	}
}

// upStat shows 1 as up and 0 as down.
func upStat(title, description string, q query) panel {
	p := stat(title, description, "", 0, q)
	one := 1.0
	p.FieldConfig.Defaults.Thresholds.Steps = []step{{Color: "red"}, {"green", &one}}
	p.FieldConfig.Defaults.Mappings = []any{map[string]any{"type": "value", "options": map[string]any{
		"0": map[string]any{"text": "down", "index": 0}, "1": map[string]any{"text": "up", "index": 1},
	}}}
	return p
}

func statOptions() map[string]any {
	return map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
}

// graph shows series over time. What is not known is a gap in it.
func graph(title, description, unit string, width int, queries ...query) panel {
	return panel{
		Type: "timeseries", Title: title, Description: description, GridPos: gridPos{H: graphHeight, W: width}, Datasource: prometheus(),
		Targets: targets(queries, "time_series", false),
		FieldConfig: &fieldConfig{
			Defaults: defaults{
				Unit: unit, Min: new(0), Color: map[string]any{"mode": "palette-classic"},
				Custom: map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false},
			},
			Overrides: []override{},
		},
		Options: map[string]any{
			"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
	}
}

// column is how a table shows the value of one query.
type column struct {
	query
	unit string
}

// table shows one row for each set of labels; the first column sorts it, the largest first.
func table(title, description string, width int, columns ...column) panel {
	queries := make([]query, len(columns))
	rename := map[string]any{}
	var overrides []override
	for i, c := range columns {
		queries[i] = query{expr: c.expr}
		field := "Value"
		if len(columns) > 1 {
			field += " #" + string(rune('A'+i))
		}
		rename[field] = c.name
		overrides = append(overrides, override{
			Matcher: map[string]any{"id": "byName", "options": c.name}, Properties: []map[string]any{{"id": "unit", "value": c.unit}},
		})
	}
	organize := map[string]any{"excludeByName": map[string]any{"Time": true}, "indexByName": map[string]any{}, "renameByName": rename}
	return panel{
		Type: "table", Title: title, Description: description, GridPos: gridPos{H: graphHeight + 2, W: width}, Datasource: prometheus(),
		Targets:         targets(queries, "table", true),
		FieldConfig:     &fieldConfig{Defaults: defaults{Custom: map[string]any{"align": "auto", "filterable": true}}, Overrides: overrides},
		Options:         map[string]any{"showHeader": true, "sortBy": []any{map[string]any{"displayName": columns[0].name, "desc": true}}},
		Transformations: []transformation{{"merge", map[string]any{}}, {"organize", organize}},
	}
}

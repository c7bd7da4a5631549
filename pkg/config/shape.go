package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// listed is a setting that is a list of texts.
type listed interface{ all() []string }

// kindOf returns of what kind the value of a setting is, and whether there may be several.
func kindOf(f *pflag.Flag) (kind string, list bool) {
	switch v := f.Value.(type) {
	case *toggle:
		return kindSwitch, false
	case *count:
		return kindInteger, false
	case listed, pflag.SliceValue:
		return kindText, true
	default:
		switch v.Type() {
		case certificates:
			return kindText, true
		case "bool":
			return kindSwitch, false
		case "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "count":
			return kindInteger, false
		case "float32", "float64":
			return kindNumber, false
		}
	}
	return kindText, false
}

// certificates is the type of a list of the Kubernetes libraries that pflag does not know for one.
const certificates = "namedCertKey"

// textsOf returns the items of a list.
func textsOf(value pflag.Value) []string {
	switch v := value.(type) {
	case listed:
		return v.all()
	case pflag.SliceValue:
		return v.GetSlice()
	}
	return strings.Split(strings.Trim(value.String(), "[]"), ";") // as certificates are printed
}

// schema is a part of a JSON Schema.
type schema map[string]any

// durationPattern is what time.ParseDuration takes.
const durationPattern = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// schemaOf describes the value of a setting.
func schemaOf(f *pflag.Flag) schema {
	if v, ok := f.Value.(interface{ schema() schema }); ok {
		return v.schema()
	}
	kind, list := kindOf(f)
	switch {
	case list:
		return schema{"type": []string{kind, "array"}, "items": schema{"type": kind}}
	case f.Value.Type() == "duration":
		return schema{"type": kind, "pattern": durationPattern}
	}
	return schema{"type": kind}
}

// sectionSchema describes a mapping of those settings whose names begin with the prefix. Each may be written with its dots, or as a mapping
// within a mapping; only the latter is described in words.
func sectionSchema(set *pflag.FlagSet, prefix string, inWords bool) schema {
	properties := schema{}
	set.VisitAll(func(f *pflag.Flag) {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok || !isSetting(f) {
			return
		}
		leaf := schemaOf(f)
		if inWords && !strings.Contains(name, ".") {
			leaf["description"] = f.Usage
			if byDefault := defaultOf(f); byDefault != nil {
				leaf["default"] = byDefault
			}
		}
		properties[name] = leaf
		for at, letter := range name {
			section := name[:at]
			if _, known := properties[section]; letter == '.' && !known {
				inner := sectionSchema(set, prefix+section+".", inWords && !strings.Contains(section, "."))
				inner["type"] = []string{"object", "null"}
				properties[section] = inner
			}
		}
	})
	return schema{"properties": properties, "additionalProperties": false}
}

// defaultOf returns the default as JSON has it; nil if it is empty.
func defaultOf(f *pflag.Flag) any {
	kind, list := kindOf(f)
	switch {
	case f.DefValue == "" || list || strings.HasPrefix(f.DefValue, "["):
		return nil
	case kind == kindText:
		return f.DefValue
	}
	return json.RawMessage(f.DefValue)
}

// Schema returns the JSON Schema of a program's file, whose settings the set holds. It is of draft 7, which Helm takes for its values.
func Schema(set *pflag.FlagSet, program string) ([]byte, error) {
	all := sectionSchema(set, "", true)
	all["$schema"] = "http://json-schema.org/draft-07/schema#"
	all["title"] = "Configuration of " + program
	all["type"] = []string{"object", "null"}
	all["not"] = schema{"type": "object", "required": []string{settingBrokers, settingClusters}}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return append(text, '\n'), nil
}

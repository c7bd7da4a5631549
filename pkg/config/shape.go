package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spf13/pflag"
)

// kindOf returns of what kind the value of a setting is, and whether there may be several.
func kindOf(f *pflag.Flag) (kind string, list bool) {
	switch v := f.Value.(type) {
	case *toggle:
		return kindSwitch, false
	case *count:
		return kindInteger, false
	case *brokers, *words, *choices, pflag.SliceValue:
		return kindText, true
	default:
		switch v.Type() {
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

func hash(f *Flags) string {
	sum := sha256.New()
	f.top.set.VisitAll(func(flag *pflag.Flag) {
		if isSetting(flag) {
			_, _ = fmt.Fprintf(sum, "%s=%q\n", flag.Name, flag.Value)
		}
	})
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

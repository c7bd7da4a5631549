// Package config assembles and validates the programs' configuration: defaults, then the file named by --config, then flags.
// It is the one place where a setting gets its name, its default and its limits. All mistakes are reported at once, each with
// the setting, the value and what is allowed.
package config

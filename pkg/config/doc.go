// Package config assembles and validates the programs' configuration: defaults, then the file named by --config, then the environment,
// then flags. It is the one place where a setting gets its name, its default and its limits: the JSON Schema, what config print writes
// and the page of the documentation are made from the flags. All mistakes are reported at once, each with the setting, the value, where
// it is and what is allowed.
package config

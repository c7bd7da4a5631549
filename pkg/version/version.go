// Package version says which build this is.
package version

import (
	"cmp"
	"runtime/debug"
)

// Set by the linker (-X) in released builds. They are constants in all but syntax.
//
//nolint:gochecknoglobals // the linker can only set package variables
var (
	version  string
	revision string
)

// Version returns the release, such as "1.2.3", or what the Go toolchain recorded.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(version, "unknown")
	}
	return cmp.Or(version, info.Main.Version, "unknown")
}

// Revision returns the commit that was built, "unknown" if that was not recorded.
func Revision() string {
	if revision != "" {
		return revision
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// Package manifests generates what the manifests have in common with the programs, and holds the rest against the programs' own words.
package manifests

//go:generate go run ./generate ../../manifests

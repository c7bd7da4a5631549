package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPrograms takes the inventory of the real programs: nothing in them stands against their own licence.
func TestPrograms(t *testing.T) {
	for _, name := range []string{"lag-adapter", "lag-exporter"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			sbom, licenses := filepath.Join(dir, "sbom.json"), filepath.Join(dir, "licenses.txt")
			t.Chdir(filepath.Join("..", ".."))
			if err := run(t.Context(), []string{"--sbom=" + sbom, "--licenses=" + licenses, "--version=1.2.3", "./cmd/" + name}); err != nil {
				t.Fatal(err)
			}
			checkSBOM(t, sbom, name)
			text, err := os.ReadFile(licenses)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"github.com/twmb/franz-go v", ": BSD-3-Clause\n", "Redistribution and use in source and binary forms", "std 1."} {
				if !strings.Contains(string(text), want) {
					t.Errorf("the licences lack %q", want)
				}
			}
		})
	}
}

func checkSBOM(t *testing.T, path, name string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat, SpecVersion string
		Metadata               struct{ Component struct{ Name, Version string } }
		Components             []struct {
			Name, Version, PURL string
			Licenses            []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.Metadata.Component.Name != name || bom.Metadata.Component.Version != "1.2.3" {
		t.Errorf("%+v", bom.Metadata)
	}
	names := map[string]bool{}
	for _, c := range bom.Components {
		names[c.Name] = true
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@") || c.Version == "" || len(c.Licenses) == 0 {
			t.Errorf("%+v", c)
		}
	}
	if !names["std"] || !names["github.com/twmb/franz-go"] || names["k8s.io/apiserver"] != (name == "lag-adapter") {
		t.Errorf("the components are %v", names)
	}
}

// TestLicenses: what is recognized, and what is refused.
func TestLicenses(t *testing.T) {
	module := t.TempDir()
	inner := filepath.Join(module, "inner")
	other := filepath.Join(module, "other")
	for path, text := range map[string]string{
		filepath.Join(module, "LICENSE"):      isc,
		filepath.Join(inner, "COPYING.txt"):   "Ask the author.",
		filepath.Join(inner, "license.go"):    "package inner",
		filepath.Join(other, "LICENSE-GPLv3"): "SPDX-License-Identifier: GPL-3.0\n\nThis program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := part{path: "example.com/good"}
	if err := good.addLicenses(module, module); err != nil || !slices.Equal(good.ids(), []string{"ISC"}) {
		t.Errorf("%v, %v", good.ids(), err)
	}
	unknown, copyleft := part{path: "example.com/unknown"}, part{path: "example.com/copyleft"}
	for p, dir := range map[*part]string{&unknown: inner, &copyleft: other} {
		if err := p.addLicenses(module, dir); err != nil || len(p.licenses) != 2 {
			t.Errorf("%s: %v, %v", p.path, p.licenses, err)
		}
	}
	err := (&program{parts: []part{good, unknown, copyleft, {path: "example.com/none"}}}).check()
	for _, want := range []string{
		"example.com/unknown: the licence in inner/COPYING.txt is none that is known", "example.com/copyleft: GPL-3.0", "example.com/none has no licence",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "example.com/good") {
		t.Error(err)
	}
}

const isc = `Copyright (c) 2026 Somebody

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN
CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`

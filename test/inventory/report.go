package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// allowed are the licences of which a program under Apache 2.0 may be made: those that ask for no more than that they are shown; and MPL-2.0, which
// binds only its own files, which are linked here as they are and can be had from where the list says.
func allowed() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "Unlicense"}
}

// ids are the licences of a part, each once.
func (p part) ids() []string {
	var ids []string
	for _, l := range p.licenses {
		ids = append(ids, l.ids...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// check says which parts have no licence, one that is not known, or one that is not allowed.
func (p *program) check() error {
	var errs []error
	for _, m := range p.parts {
		if len(m.licenses) == 0 {
			errs = append(errs, fmt.Errorf("%s has no licence: nobody may use it", m.path))
		}
		for _, l := range m.licenses {
			if len(l.ids) == 0 {
				errs = append(errs, fmt.Errorf("%s: the licence in %s is none that is known: read it", m.path, l.file))
			}
			for _, id := range l.ids {
				if !slices.Contains(allowed(), id) {
					errs = append(errs, fmt.Errorf("%s: %s in %s is not one of %s", m.path, id, l.file, strings.Join(allowed(), ", ")))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// writeLicenses writes the list, and all texts after it: most licences want theirs to go with the program.
func (p *program) writeLicenses(file *os.File) error {
	out := bufio.NewWriter(file)
	fmt.Fprintf(out, "%s is made of these modules. The texts of their licences follow.\n\n", p.name)
	for _, m := range p.parts {
		fmt.Fprintf(out, "%s %s: %s\n", m.path, m.version, strings.Join(m.ids(), ", "))
	}
	for _, m := range p.parts {
		for _, l := range m.licenses {
			fmt.Fprintf(out, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 100), m.path, m.version, l.file, strings.TrimSpace(l.text))
		}
	}
	return out.Flush()
}

// writeSBOM writes the bill of materials as CycloneDX JSON. It is the same for the same sources: no serial number, no time.
func (p *program) writeSBOM(file *os.File) error {
	self := component(cdx.ComponentTypeApplication, p.module, p.version)
	self.Name = p.name
	self.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &self}
	var components []cdx.Component
	var links []string
	for _, m := range p.parts {
		c := component(cdx.ComponentTypeLibrary, m.path, m.version)
		var licenses cdx.Licenses
		for _, id := range m.ids() {
			licenses = append(licenses, cdx.LicenseChoice{License: &cdx.License{ID: id}})
		}
		c.Licenses = &licenses
		components, links = append(components, c), append(links, c.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: self.BOMRef, Dependencies: &links}}
	return cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
}

func component(kind cdx.ComponentType, path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{Type: kind, Name: path, Version: version, BOMRef: url, PackageURL: url}
}

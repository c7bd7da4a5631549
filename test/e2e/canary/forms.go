package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// forms are all in which bytes may be shown.
func forms(text string) []string {
	all := []string{text, strings.Trim(fmt.Sprintf("%q", text), `"`), strings.Trim(fmt.Sprintf("%+q", text), `"`)}
	if escaped, err := json.Marshal(text); err == nil {
		all = append(all, strings.Trim(string(escaped), `"`))
	}
	var plain strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err == nil {
		all = append(all, strings.Trim(strings.TrimSpace(plain.String()), `"`))
	}
	all = append(all, url.QueryEscape(text), url.PathEscape(text), percents(text, "%%%02X"), percents(text, "%%%02x"))
	lower := hex.EncodeToString([]byte(text))
	all = append(all, lower, strings.ToUpper(lower), strings.TrimSpace(percents(text, "%02x ")), strings.TrimSpace(percents(text, "%02X ")),
		strings.TrimSuffix(percents(text, "%02x:"), ":"), percents(text, `\x%02x`))
	all = append(all, strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"), strings.ReplaceAll(strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"), " ", ","))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all = append(all, within(encoding, text, before))
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(form string) bool { return len(form) < least })
}

func percents(text, format string) string {
	var all strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&all, format, text[i])
	}
	return all.String()
}

// within is what of the base64 of a longer text is the text's alone that follows so many bytes, modulo 3.
func within(encoding *base64.Encoding, text string, before int) string {
	const bits = 6
	encoded := encoding.EncodeToString(append(make([]byte, before), text...))
	return encoded[(before*8+bits-1)/bits : (before+len(text))*8/bits]
}

// least is how long a form must be to be searched for, in bytes.
const least = 8

// index finds many forms in one pass: by how they begin.
type index map[[least]byte][]entry

type entry struct {
	form []byte
	name string
}

func (i index) add(s secret) {
	for _, part := range s.parts {
		for _, form := range forms(part) {
			start := [least]byte([]byte(form))
			i[start] = append(i[start], entry{[]byte(form), fmt.Sprintf("the %s of %s", s.kind, s.from)})
		}
	}
}

// find returns the names of the secrets that a text has, each once.
func (i index) find(text []byte) (names []string) {
	for at := 0; at+least <= len(text); at++ {
		for _, e := range i[[least]byte(text[at:])] {
			if bytes.HasPrefix(text[at:], e.form) && !slices.Contains(names, e.name) {
				names = append(names, e.name)
			}
		}
	}
	return names
}

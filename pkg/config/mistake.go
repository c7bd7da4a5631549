package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	// Setting is the full name, such as kafka.tls.ca-file or clusters[1].brokers; empty if it is about none.
	Setting string `json:"setting,omitempty"`
	// Source is where the value comes from: the path of the file, an environment variable, or a flag with its dashes.
	Source string `json:"source,omitempty"`
	// Line is that in the source, from 1 on; 0 for a source that has only one.
	Line int `json:"line,omitempty"`
	// Message says what is wrong with it and what is allowed.
	Message string `json:"message"`

	elsewhere bool // it may be right on another machine
}

func (m Mistake) String() string {
	switch {
	case m.Line > 0 && m.Setting != "":
		return fmt.Sprintf("%s line %d: %s: %s", m.Source, m.Line, m.Setting, m.Message)
	case m.Line > 0:
		return fmt.Sprintf("%s line %d: %s", m.Source, m.Line, m.Message)
	case m.Source != "":
		return m.Source + ": " + m.Message
	}
	return m.Message
}

// InvalidError says all that is wrong with a configuration.
type InvalidError struct{ Mistakes []Mistake }

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Mistakes))
	for i, one := range e.Mistakes {
		texts[i] = one.String()
	}
	return strings.Join(texts, "\n")
}

// Anywhere leaves out what another machine may have, such as the files of certificates and what comes from the environment. It
// returns nil if nothing else is wrong.
func (e *InvalidError) Anywhere() *InvalidError {
	return found(slices.DeleteFunc(slices.Clone(e.Mistakes), func(m Mistake) bool { return m.elsewhere })).invalid()
}

// found are the mistakes so far.
type found []Mistake

// maxMistakes is how many are told at once: a file that is none of ours must not cost minutes, and fill the log.
const maxMistakes = 1000

func (m *found) add(one Mistake) {
	switch {
	case len(*m) < maxMistakes:
		*m = append(*m, one)
	case len(*m) == maxMistakes:
		*m = append(*m, Mistake{Message: fmt.Sprintf("there are more than %d mistakes; the others are not told", maxMistakes)})
	}
}

// addOnce adds one, unless it is known already, as it is where several clusters share a setting.
func (m *found) addOnce(one Mistake) {
	if len(*m) <= maxMistakes && !slices.Contains(*m, one) {
		m.add(one)
	}
}

// sort has those of the file in the order of its lines.
func (m found) sort(file string) {
	rank := func(one Mistake) (rank, line int) {
		if one.Source != file {
			return 1, 0
		}
		return 0, one.Line
	}
	slices.SortStableFunc(m, func(a, b Mistake) int {
		rankA, lineA := rank(a)
		rankB, lineB := rank(b)
		return cmp.Or(cmp.Compare(rankA, rankB), cmp.Compare(lineA, lineB))
	})
}

// err returns nil if there are none.
func (m found) err() error {
	if len(m) == 0 {
		return nil
	}
	return m.invalid()
}

func (m found) invalid() *InvalidError {
	if len(m) == 0 {
		return nil
	}
	return &InvalidError{Mistakes: m}
}

// elsewhere marks what this machine lacks but another may have, such as a file.
type elsewhere struct{ error }

func (e elsewhere) Unwrap() error { return e.error }

// located is a mistake within one source.
type located struct {
	line    int
	setting string
	err     error
}

// mistakes are those of one source.
type mistakes []located

func (m *mistakes) add(at *yaml.Node, setting string, err error) {
	*m = append(*m, located{at.Line, setting, err})
}

// addAll adds those that are about parts of the setting, or the one that is about all of it.
func (m *mistakes) addAll(at *yaml.Node, setting string, err error) {
	if inside, ok := errors.AsType[mistakes](err); ok {
		*m = append(*m, inside...)
	} else if err != nil {
		m.add(at, setting, err)
	}
}

// err returns nil if there are none.
func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (m mistakes) Error() string {
	texts := make([]string, len(m))
	for i, one := range m {
		texts[i] = Mistake{Source: "text", Line: one.line, Setting: one.setting, Message: one.err.Error()}.String()
	}
	return strings.Join(texts, "\n")
}

// within adds what is wrong within a source, line by line if that is known.
func (m *found) within(source, setting string, err error) {
	inside, ok := errors.AsType[mistakes](err)
	if !ok && err != nil {
		m.add(Mistake{Setting: setting, Source: source, Message: err.Error()})
	}
	for _, one := range inside {
		m.add(Mistake{Setting: one.setting, Source: source, Line: one.line, Message: one.err.Error()})
	}
}

// cutSetting finds the setting that a message is about: one begins with its name as a flag, with or without the dashes.
func cutSetting(set *pflag.FlagSet, message string) (setting, rest string) {
	name, rest, found := strings.Cut(message, ": ")
	if flag := set.Lookup(strings.TrimPrefix(name, "--")); found && flag != nil {
		return flag.Name, rest
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(message, "--"), " ")
	if flag := set.Lookup(name); flag != nil && strings.HasPrefix(message, "--") {
		return flag.Name, strings.TrimSpace(strings.TrimPrefix(message, "--"+name))
	}
	return "", message
}

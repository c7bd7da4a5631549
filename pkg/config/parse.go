package config

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Parse assembles the configuration from the defaults, the file, the environment and the arguments, of which each overrides what
// stands before it. The set holds these flags and those that only one program has, which validate checks as a whole. It can be
// called once: who loads the configuration again, defines the flags again. The error is an *InvalidError, or pflag.ErrHelp.
func (f *Flags) Parse(set *pflag.FlagSet, args []string, validate ...func() []error) (Config, error) {
	f.top = newSection(set, "")
	given, err := f.arguments(args)
	if err != nil || f.version {
		return Config{}, err
	}
	variables := environment(os.Environ())
	if f.cfg.File == "" {
		f.cfg.File = variables[Variable("config")]
	}
	f.applyFile()
	f.top.applyEnvironment(variables, &f.errs)
	for _, one := range given {
		source := "--" + one.flag.Name
		f.errs.within(source, one.flag.Name, f.top.put(one.flag, origin{source: source}, one.value))
	}
	known := append(f.top.variables(), Variable("config"))
	if resolved := f.resolveClusters(); resolved {
		for _, c := range f.clusters.list {
			known = append(known, c.section.variables()...)
		}
		checkEnvironment(variables, known, &f.errs)
	}
	f.resolveRules()
	f.validate(validate)
	f.errs.sort(f.cfg.File)
	f.cfg.effective, f.cfg.hash = f.print()
	return f.cfg, f.errs.err()
}

// assignment is a flag among the arguments.
type assignment struct {
	flag  *pflag.Flag
	value string
}

// arguments returns the flags among the arguments, in their order. What is no setting is set at once.
func (f *Flags) arguments(args []string) (given []assignment, err error) {
	set := f.top.set
	var unknown *pflag.NotExistError
	for {
		given = nil
		err := set.ParseAll(args, func(flag *pflag.Flag, value string) error {
			if isSetting(flag) {
				given = append(given, assignment{flag, value})
				return nil
			}
			if err := flag.Value.Set(value); err != nil { // once, although an unknown flag has all parsed again
				f.errs.addOnce(Mistake{Source: "--" + flag.Name, Message: err.Error()})
			}
			return nil
		})
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		if !errors.As(err, &unknown) {
			if err != nil {
				f.errs.add(Mistake{Message: err.Error() + "; see --help"})
			}
			break
		}
		name := unknown.GetSpecifiedName()
		f.errs.add(Mistake{Message: fmt.Sprintf("%v%s; see --help", err, nearestFlag(set, name))})
		rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return isFlag(arg, name) })
		if len(rest) == len(args) {
			break // a shorthand among others
		}
		args = rest
	}
	if unknown == nil {
		f.positional(set.Args())
	}
	return given, nil
}

// isFlag says whether the argument is the flag of that name, or the shorthand.
func isFlag(arg, name string) bool {
	arg, _, _ = strings.Cut(arg, "=")
	return arg == "--"+name || arg == "-"+name
}

func nearestFlag(set *pflag.FlagSet, name string) string {
	var names []string
	set.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if best := nearestOf(names, name); best != "" {
		return "; did you mean --" + best + "?"
	}
	return ""
}

// positional takes what is no flag.
func (f *Flags) positional(args []string) {
	switch {
	case f.fileFollows && len(args) == 1:
		f.cfg.File = args[0]
	case f.fileFollows:
		f.errs.add(Mistake{Message: fmt.Sprintf("%d arguments besides the flags; allowed is one, the path of the configuration file", len(args))})
	case len(args) > 0:
		f.errs.add(Mistake{Message: fmt.Sprintf("argument %q is not a flag; every setting is a flag, see --help", args[0])})
	}
}

// applyFile sets what the file says.
func (f *Flags) applyFile() {
	if f.cfg.File == "" {
		return
	}
	settings, err := readFile(f.cfg.File)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		f.errs.add(Mistake{Source: "--config", Message: err.Error() + "; allowed is the path of a YAML file that this process may read"})
	case err != nil:
		f.errs.within(f.cfg.File, "", err)
	case settings != nil:
		f.errs.within(f.cfg.File, "", f.top.apply(f.cfg.File, settings).err())
	}
}

// validate checks what no setting can check for itself.
func (f *Flags) validate(more []func() []error) {
	var errs []error
	if f.cfg.MaxAge <= f.cfg.PollInterval {
		errs = append(errs, fmt.Errorf("--max-age: %s is not more than --poll-interval (%s): every value would be unknown before it is read again; "+
			"allowed is more than one interval, and two or more are sensible", f.cfg.MaxAge, f.cfg.PollInterval))
	}
	for _, v := range more {
		errs = append(errs, v()...)
	}
	for _, err := range errs {
		f.errs.of(f.top, err)
	}
}

// of adds a mistake that a check of a section has found. What the section has from the common one is that one's mistake.
func (m *found) of(s *section, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			m.of(s, one)
		}
		return
	}
	var lacking elsewhere
	setting, message := cutSetting(s.set, err.Error())
	mistake := Mistake{Setting: setting, Message: message, elsewhere: errors.As(err, &lacking)}
	from, own := s.origin(setting)
	switch {
	case setting == "" && s.path == "":
	case own:
		mistake.Setting, mistake.Source, mistake.Line = s.path+setting, from.source, from.line
	case from.source != "":
		mistake.Source, mistake.Line = from.source, from.line
	case s.path != "":
		mistake.Setting, mistake.Source, mistake.Line = strings.TrimSuffix(s.path+setting, "."), s.at.source, s.at.line
	default:
		mistake.Source = "--" + setting
	}
	m.addOnce(mistake)
}

// sorted returns the entries of a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

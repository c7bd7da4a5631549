package config

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Secret is in a file, or in the environment, and never among the arguments, which every user of a machine can see. Its text
// form says where it is.
type Secret struct {
	File string
	env  string // the environment variable for it
	text string // what that held at the start; empty if it is not set

	setting string // the name of the setting of File
}

// maxSecret bounds what is read of a secret's file, in bytes.
const maxSecret = 64 << 10

// addSecret defines the setting of the file. It is read anew each time, so that it may be rotated.
func addSecret(set *pflag.FlagSet, s *Secret, setting, env, usage string) {
	s.setting, s.env = setting, env
	set.Var(&secretFile{s, env}, setting, usage+" It is read again for every use. Instead of the file, the environment variable "+env+" may hold the secret itself.")
}

// secretFile is where a secret is.
type secretFile struct {
	*Secret
	variable string // the environment variable of the only cluster, or of all that have none of their own
}

func (s *secretFile) String() string {
	if s.Secret == nil {
		return ""
	}
	return s.File
}
func (s *secretFile) Type() string { return "string" }

func (s *secretFile) Set(path string) error {
	s.File = path
	return nil
}

// resolve looks into the environment and at the file, and says what is wrong.
func (s *Secret) resolve() error {
	s.text = os.Getenv(s.env)
	switch {
	case s.File != "" && s.text != "":
		return fmt.Errorf("--%s: a file is named, and the environment variable %s is set as well; leave one of them out", s.setting, s.env)
	case s.File == "":
		return nil
	}
	if err := readable(s.setting, s.File); err != nil {
		return err
	}
	if _, err := s.Read(); err != nil {
		return elsewhere{err}
	}
	return nil
}

func (s Secret) isSet() bool { return s.File != "" || s.text != "" }

// Read returns the secret as it is now, without the end of its line.
func (s Secret) Read() (string, error) {
	if s.File == "" {
		return s.text, nil
	}
	file, err := os.Open(s.File)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.setting, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	secret := strings.TrimRight(string(text), "\r\n")
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", s.setting, err)
	case len(text) > maxSecret:
		return "", fmt.Errorf("%s: %s has more than the %d bytes that are allowed", s.setting, s.File, maxSecret)
	case secret == "":
		return "", fmt.Errorf("%s: %s is empty; write the secret into it", s.setting, s.File)
	}
	return secret, nil
}

// String says where the secret is.
func (s Secret) String() string {
	switch {
	case s.File != "":
		return fmt.Sprintf("%s (%s)", s.setting, s.File)
	case s.text != "":
		return "the environment variable " + s.env
	}
	return ""
}

// GoString is the same.
func (s Secret) GoString() string { return s.String() }

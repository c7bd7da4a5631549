// Package canary searches what a run of end-to-end tests has left, logs above all, for the secrets that it had: there must be none, in no form.
package canary

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The kinds of secrets.
const (
	Password = "password"
	Token    = "token"
	Key      = "key" // a private one
	Keytab   = "keytab"
)

// notes is the folder of a run that holds the secrets that were noted, and nothing else.
const notes = "secrets"

// Text is a password, another one each time.
func Text() string { return "canary-" + rand.Text() + "/+&=<" } // which are escaped in most forms

// Note keeps a secret of a run, whose files are in dir, to be searched for. Files of tokens, keys and keytabs, and kubeconfigs, need not
// be noted: they are found by their names.
func Note(dir, kind string, secrets ...string) error {
	folder := filepath.Join(dir, notes)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var errs []error
	for _, secret := range secrets {
		sum := sha256.Sum256([]byte(secret))
		errs = append(errs, os.WriteFile(filepath.Join(folder, kind+"-"+hex.EncodeToString(sum[:8])), []byte(secret), 0o600))
	}
	return errors.Join(errs...)
}

// Report is what a search was about.
type Report struct {
	Secrets map[string]int // how many of each kind
	Files   int            // that were searched
	Bytes   int64          // in them
}

// String is for people.
func (r Report) String() string {
	var kinds []string
	for _, kind := range []string{Password, Token, Key, Keytab} {
		kinds = append(kinds, fmt.Sprintf("%d of the kind %s", r.Secrets[kind], kind))
	}
	return fmt.Sprintf("secrets (%s) searched for in %d files of %d bytes", strings.Join(kinds, ", "), r.Files, r.Bytes)
}

// Search looks for all secrets of the run whose files are in dir in all that was said in it. The error says which is shown where; it is
// one, too, if there was nothing to search for, or in.
func Search(dir string) (Report, error) {
	report := Report{Secrets: map[string]int{}}
	secrets, err := collect(dir)
	if err != nil {
		return report, err
	}
	wanted := index{}
	for _, s := range secrets {
		report.Secrets[s.kind]++
		wanted.add(s)
	}
	var shown []error
	err = walk(dir, func(path string) error {
		if !isSaid(path) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		report.Files++
		report.Bytes += int64(len(text))
		for _, name := range wanted.find(text) {
			shown = append(shown, fmt.Errorf("%s shows %s", path, name))
		}
		return nil
	})
	if len(secrets) == 0 || report.Files == 0 {
		shown = append(shown, fmt.Errorf("nothing was searched: %v", report))
	}
	return report, errors.Join(append(shown, err)...)
}

// isSaid says whether a file is what programs said: their logs, and what tests have kept of answers.
func isSaid(path string) bool {
	return slices.Contains([]string{".log", ".metrics", ".said"}, filepath.Ext(path))
}

// walk calls do with each file of a run but for those of other programs' data, which hold secrets rightly.
func walk(dir string, do func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // went meanwhile
			return nil
		case err != nil:
			return err
		case entry.IsDir() && filepath.Dir(path) == filepath.Clean(dir) && (entry.Name() == "kafka" || entry.Name() == notes):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		return do(path)
	})
}

// Package apart runs parts of the test in processes of their own: what they do
// then takes no time of the others, and has a share of the CPU of its own.
package apart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/cgroup"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// environment holds the path of the part's configuration, whose name is the part's, in the process that runs it.
const environment = "LAG_E2E_APART"

// Part is what can run apart: it takes JSON and gives what becomes JSON.
type Part func(config []byte) (result any, err error)

// Of makes a Part.
func Of[Config, Result any](run func(Config) (Result, error)) Part {
	return func(text []byte) (any, error) {
		var cfg Config
		if err := json.Unmarshal(text, &cfg); err != nil {
			return nil, err
		}
		return run(cfg)
	}
}

// Main runs the part that this process was started for, and says whether it was for one. The process then has to end.
func Main(parts map[string]Part) (ran bool, err error) {
	path, ran := os.LookupEnv(environment)
	if !ran {
		return false, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return true, err
	}
	part, ok := parts[filepath.Base(path)]
	if !ok {
		return true, fmt.Errorf("there is no part %s", filepath.Base(path))
	}
	result, err := part(text)
	if err != nil {
		return true, err
	}
	if text, err = json.Marshal(result); err != nil {
		return true, err
	}
	return true, os.WriteFile(resultOf(path), text, 0o600)
}

func resultOf(path string) string { return path + ".result" }

// Run runs a part in this control group, and returns what it gives. Its files are in dir, which is made.
func Run[Result any](ctx context.Context, part string, cfg any, group *cgroup.Group, dir string) (result Result, err error) {
	path := filepath.Join(dir, part)
	text, err := json.Marshal(cfg)
	if err != nil {
		return result, err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, text, 0o600)); err != nil {
		return result, err
	}
	program, err := os.Executable()
	if err != nil {
		return result, err
	}
	enter := group.Enter()
	p, err := proc.Start(proc.Spec{
		Name: part, Path: enter[0], Args: append(enter[1:], program), Env: []string{environment + "=" + path}, LogDir: dir,
	})
	if err != nil {
		return result, err
	}
	code, err := p.ExitCode(ctx)
	if err != nil || code != 0 {
		return result, errors.Join(err, fmt.Errorf("%s ended with code %d; see %s", part, code, p.Log()), p.Kill())
	}
	if text, err = os.ReadFile(resultOf(path)); err != nil {
		return result, err
	}
	return result, json.Unmarshal(text, &result)
}

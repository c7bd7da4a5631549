// Package netns gives a test's binary a network namespace of its own, in which addresses of pods and Services can be real ones: nothing that is
// sent to them leaves it. Linux, as root, with iproute2.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// inside marks the second run of the binary, the one in the namespace.
const inside = "LAG_E2E_NETNS"

// Config says which addresses the namespace has.
type Config struct {
	Host     string   // address of the namespace as a host
	Local    []string // ranges of which each address is this host too, as of the pods on it
	Services string   // range to which Host sends, and which iptables redirects
}

// Run runs the binary again in a namespace of its own, and there main. It returns the exit code.
func Run(cfg Config, main func() int) int {
	var err error
	code := 1
	if os.Getenv(inside) != "" {
		if err = setUp(cfg); err == nil {
			return main()
		}
	} else {
		code, err = again()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "network namespace:", err)
	}
	return code
}

// again runs the binary in a new namespace, as long as this process lives.
func again() (int, error) {
	runtime.LockOSThread() // the kernel sends Pdeathsig when the thread ends
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...) //nolint:noctx // the binary's own time limit counts
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, exit.ExitCode()), nil
	}
	if err != nil {
		return 1, fmt.Errorf("%w; making one takes root", err)
	}
	return 0, nil
}

func setUp(cfg Config) error {
	commands := []string{
		"link set lo up",
		"address add " + cfg.Host + "/32 dev lo",
		"route add " + cfg.Services + " dev lo src " + cfg.Host,
	}
	for _, local := range cfg.Local {
		commands = append(commands, "route add local "+local+" dev lo")
	}
	for _, command := range commands {
		out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput() //nolint:noctx // takes no time
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}

package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// The types below are pflag.Values that check their own limits, so that flags and file are held to the same.

const defaultBrokerPort = "9092"

// brokers is a list of host:port; each setting adds to it.
type brokers struct {
	list *[]string
}

func (b *brokers) String() string {
	if b.list == nil {
		return ""
	}
	return strings.Join(*b.list, ",")
}
func (b *brokers) Type() string  { return "host:port,..." }
func (b *brokers) reset()        { *b.list = nil }
func (b *brokers) all() []string { return *b.list }

func (b *brokers) Set(value string) error {
	for _, one := range strings.Split(value, ",") {
		broker, err := hostPort(strings.TrimSpace(one), defaultBrokerPort)
		if err != nil {
			return err
		}
		*b.list = append(*b.list, broker)
	}
	return nil
}

// hostPort checks one address, with the port that it has if it names none.
func hostPort(value, defaultPort string) (string, error) {
	if strings.Contains(value, "@") { // not repeated: what comes before may be a password
		return "", errors.New("there is an @ in it; allowed is host:port, without a scheme, a user or a password")
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil && defaultPort != "" {
		host, port, err = net.SplitHostPort(net.JoinHostPort(strings.Trim(value, "[]"), defaultPort))
	}
	if err != nil {
		return "", fmt.Errorf("%q is not host:port: %w", value, err)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || (number == 0 && defaultPort != "") {
		return "", fmt.Errorf("port %q in %q is not a number from 1 to 65535", port, value)
	}
	if host == "" && defaultPort != "" || strings.ContainsAny(host, " \t/@") {
		return "", fmt.Errorf("host %q in %q is not a host name or address; allowed is host:port, without a scheme or path", host, value)
	}
	return net.JoinHostPort(host, port), nil
}

// address is where to listen: host:port, where the host may be empty (all addresses) and the port 0 (any free one).
type address struct{ value *string }

func (a *address) String() string {
	if a.value == nil {
		return ""
	}
	return *a.value
}
func (a *address) Type() string { return "host:port" }

func (a *address) Set(value string) error {
	checked, err := hostPort(value, "")
	if err != nil {
		return err
	}
	*a.value = checked
	return nil
}

// duration is a duration within limits.
type duration struct {
	value    *time.Duration
	min, max time.Duration
}

func (d *duration) String() string {
	if d.value == nil {
		return ""
	}
	return d.value.String()
}
func (d *duration) Type() string   { return "duration" }
func (d *duration) schema() schema { return schema{"type": kindText, "pattern": durationPattern} }

func (d *duration) Set(value string) error {
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed < d.min || parsed > d.max {
		return fmt.Errorf("%q is not a duration from %s to %s, such as 5s or 1m30s", value, d.min, d.max)
	}
	*d.value = parsed
	return nil
}

// count is a number of things.
type count struct{ value *int }

func (c *count) String() string {
	if c.value == nil {
		return ""
	}
	return strconv.Itoa(*c.value)
}
func (c *count) Type() string { return "number" }
func (c *count) schema() schema {
	return schema{"type": kindInteger, "minimum": 0, "maximum": math.MaxInt32}
}

func (c *count) Set(value string) error {
	parsed, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is not a number from 0 to %d", value, math.MaxInt32)
	}
	*c.value = int(parsed)
	return nil
}

// pattern is a regular expression that must match the whole of a name.
type pattern struct{ value **regexp.Regexp }

// maxPattern bounds a pattern's length, and with it what a match costs.
const maxPattern = 4096

func (p *pattern) String() string {
	if p.value == nil || *p.value == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix((*p.value).String(), "^(?:"), ")$")
}
func (p *pattern) Type() string   { return "regexp" }
func (p *pattern) schema() schema { return schema{"type": kindText, "maxLength": maxPattern} }

func (p *pattern) Set(value string) error {
	if len(value) > maxPattern {
		return fmt.Errorf("a pattern of %d bytes; allowed are at most %d", len(value), maxPattern)
	}
	if value == "" {
		*p.value = nil
		return nil
	}
	if _, err := regexp.Compile(value); err != nil { // alone first: the anchors below could close a parenthesis
		return fmt.Errorf("%q is not a regular expression (RE2): %w", value, err)
	}
	compiled, err := regexp.Compile("^(?:" + value + ")$")
	if err != nil {
		return fmt.Errorf("%q is not a regular expression (RE2): %w", value, err)
	}
	*p.value = compiled
	return nil
}

// level is a log level.
type level struct{ value *slog.Level }

func (l *level) String() string {
	if l.value == nil {
		return ""
	}
	return strings.ToLower(l.value.String())
}
func (l *level) Type() string   { return "level" }
func (l *level) schema() schema { return schema{"enum": []string{"debug", "info", "warn", "error"}} }

func (l *level) Set(value string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	parsed, ok := levels[value]
	if !ok {
		return fmt.Errorf("%q is not a log level; allowed are debug, info, warn and error", value)
	}
	*l.value = parsed
	return nil
}

// choice is one of a few words.
type choice struct {
	value   *string
	allowed []string
}

// AddChoice defines a setting that is one of a few words.
func AddChoice(set *pflag.FlagSet, value *string, name string, allowed []string, usage string) {
	set.Var(&choice{value, allowed}, name, usage)
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }
func (c *choice) schema() schema { return schema{"enum": c.allowed} }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(c.allowed, ", "))
	}
	*c.value = value
	return nil
}

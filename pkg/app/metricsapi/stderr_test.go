package metricsapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
)

// TestBrokenConnectionsAreLoggedAsJSON runs the program as it is run, on standard error, which is a file here. Clients break connections at
// the secure port, in two ways of which the library tells in two ways, and a library writes a line of its own.
func TestBrokenConnectionsAreLoggedAsJSON(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	t.Cleanup(func() { os.Stderr = before; _ = file.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionDeny, "", nil
	})
	program := app.Program{Name: "lag-adapter", Extension: func() app.Extension { return NewLocal(Local{Listener: listener, Authorizer: nobody}) }}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- program.Main(ctx, []string{"--brokers=127.0.0.1:1", "--web.listen-address=127.0.0.1:0", "--log-format=json", "--log-level=debug",
			"--authentication-skip-lookup", "--shutdown-delay-duration=0s"}, io.Discard, os.Stderr)
	}()
	address := listener.Addr().String()
	breakPlain(t, address)
	breakHTTP2(t, address) // answered, so it serves
	if os.Stderr == file {
		t.Error("standard error is not logged")
	}
	_, _ = fmt.Fprintf(os.Stderr, "a library says %s\nand more\n", strings.Repeat("x", 100_000))
	for _, want := range []string{"http: TLS handshake error from ", "http2: server connection error from ", "and more"} {
		awaitLine(t, file.Name(), want)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	if os.Stderr != file {
		t.Error("standard error is not what it was")
	}
	checkLines(t, file.Name())
}

// breakPlain speaks plain text to a TLS port: not HTTP, which is answered.
func breakPlain(t *testing.T, address string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HELO here\r\n")
	_, _ = io.Copy(io.Discard, conn) // until the server has had enough
}

// breakHTTP2 sends a frame that breaks the protocol.
func breakHTTP2(t *testing.T, address string) {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", address) // the certificate is made at the start
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const settingsOfStreamOne = "\x00\x00\x00\x04\x00\x00\x00\x00\x01" // settings are of no stream
	_, _ = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+settingsOfStreamOne)
	_, _ = io.Copy(io.Discard, conn)
}

func awaitLine(t *testing.T, path, want string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in\n%s", want, text)
		}
	}
}

// checkLines wants each line to be JSON, and the levels to be right.
func checkLines(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	levels := map[string]int{}
	for scanner.Scan() {
		var line struct{ Level, Msg, Err string }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Errorf("a line is no JSON: %s", scanner.Text())
		}
		if strings.HasPrefix(line.Msg, "http") {
			t.Errorf("the message is not the same for the same thing: %s", scanner.Text())
		}
		levels[line.Level+" "+line.Msg]++
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	if levels["DEBUG web server"] < 2 || levels["WARN written to standard error by a library"] != 3 { // of which the first is two, as it is so long
		t.Errorf("messages by level: %v", levels)
	}
}

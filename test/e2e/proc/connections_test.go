package proc

import (
	"net"
	"os"
	"testing"
)

func TestConnectionsAreCounted(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	count := func(want int, what string) {
		t.Helper()
		if n, err := CountConnections(os.Getpid()); err != nil || n != want {
			t.Errorf("%s: %d connections, not %d: %v", what, n, want, err)
		}
	}
	count(0, "a listener is none")
	client, err := net.Dial("tcp4", listener.Addr().String()) //nolint:noctx // to this test
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	count(2, "both ends")
	port := listener.Addr().(*net.TCPAddr).Port
	if to, err := Connections(os.Getpid(), port); err != nil || len(to) != 1 {
		t.Errorf("to port %d there are %v: %v", port, to, err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	count(1, "of which one is closed")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	count(0, "of which both are")
}

// Package names is a DNS server that tells the truth, says that there is no such
// name, or says nothing.
package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// How a server answers.
type How int

// The ways to answer.
const (
	Truth   How = iota // each name is 127.0.0.1
	Missing            // there is no such name
	Nothing            // no answer at all
)

// address is one that no machine's own resolver uses. Port 53 takes root.
const address = "127.0.7.53"

// Server is a running server.
type Server struct {
	conn    net.PacketConn
	running sync.WaitGroup

	mu    sync.Mutex
	how   How
	asked []time.Time
}

// Start starts a server that tells the truth.
func Start() (*Server, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp4", address+":53")
	if err != nil {
		return nil, fmt.Errorf("starting a DNS server: %w", err)
	}
	s := &Server{conn: conn}
	s.running.Go(s.serve)
	return s, nil
}

// Configuration writes a resolv.conf that leads to this server alone, and returns its path.
func (s *Server) Configuration(dir string) (string, error) {
	path := filepath.Join(dir, "resolv.conf")
	return path, os.WriteFile(path, []byte("nameserver "+address+"\noptions timeout:1 attempts:1\n"), 0o644)
}

// Answer has the server answer in this way from now on, and forget what it was asked.
func (s *Server) Answer(how How) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.how, s.asked = how, nil
}

// Asked returns when the server was asked since Answer.
func (s *Server) Asked() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.asked...)
}

// Close ends the server.
func (s *Server) Close() error {
	err := s.conn.Close()
	s.running.Wait()
	return err
}

func (s *Server) serve() {
	buffer := make([]byte, 4<<10)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // about one packet
		}
		if answer, err := s.answer(buffer[:n]); err == nil && answer != nil {
			_, _ = s.conn.WriteTo(answer, from) // who does not get it asks again
		}
	}
}

func (s *Server) answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) == 0 {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	switch question := m.Questions[0]; {
	case s.how == Nothing:
		return nil, nil
	case s.how == Missing:
		m.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	return m.Pack()
}

// Lookup asks the server for a name, as a check of itself.
func (s *Server) Lookup(ctx context.Context, name string) ([]string, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", address+":53")
	}}
	return resolver.LookupHost(ctx, name)
}

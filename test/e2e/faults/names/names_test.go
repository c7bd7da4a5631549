package names

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Lookup(t.Context(), "broker.test."); err != nil || !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("%v, %v", got, err)
	}
	s.Answer(Missing)
	var failed *net.DNSError
	if _, err := s.Lookup(t.Context(), "broker.test."); !errors.As(err, &failed) || !failed.IsNotFound {
		t.Errorf("%v", err)
	}
	if len(s.Asked()) == 0 {
		t.Error("it was not asked")
	}
	s.Answer(Nothing)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got, err := s.Lookup(ctx, "broker.test."); err == nil {
		t.Errorf("%v", got)
	}
}

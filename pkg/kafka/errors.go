package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// readError says which request at which broker failed, and with what class of error.
func readError(broker int32, req kmsg.Request, err error) error {
	if err == nil {
		return nil
	}
	class := classify(err)
	switch {
	case class == lag.ClassTimeout && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)):
		err = fmt.Errorf("no answer in time: %w", err)
	case errors.Is(err, syscall.EMFILE):
		err = fmt.Errorf("%w: %w", errNoDescriptors, err)
	}
	return &lag.ReadError{Class: class, Broker: broker, Op: kmsg.NameForKey(req.Key()), Err: err}
}

// protocolError says that an answer makes no sense.
func protocolError(broker int32, op string, format string, args ...any) error {
	return &lag.ReadError{Class: lag.ClassProtocol, Broker: broker, Op: op, Err: fmt.Errorf(format, args...)}
}

// codeError is the same for an error code in a response; nil for code 0.
func codeError(broker int32, req kmsg.Request, code int16) error {
	return readError(broker, req, kerr.ErrorForCode(code))
}

var errNoDescriptors = errors.New("this process has no file descriptor left (metrics process_open_fds, process_max_fds); raise its limit " +
	"(ulimit -n, RLIMIT_NOFILE), or look for clients that keep connections to it open")

var errRefused = errors.New("the broker closed the connection during the SASL authentication")

func classify(err error) lag.Class {
	var kafkaErr *kerr.Error
	if errors.As(err, &kafkaErr) {
		return classifyCode(kafkaErr.Code)
	}
	var explained *connectError
	if errors.As(err, &explained) {
		return explained.class
	}
	var netErr net.Error
	switch {
	case errors.Is(err, errRefused):
		return lag.ClassAuthentication
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return lag.ClassTimeout
	// The client does not export these two.
	case strings.Contains(err.Error(), "broker is too old"), strings.Contains(err.Error(), "request key is unknown"):
		return lag.ClassUnsupported
	case errors.Is(err, kbin.ErrNotEnoughData), strings.Contains(err.Error(), "correlation ID mismatch"),
		strings.Contains(err.Error(), "response size"):
		return lag.ClassProtocol
	// So does a broker that refuses our certificate, sometimes only with the answer to the first request (TLS 1.3).
	case strings.Contains(err.Error(), "SASL"), strings.Contains(err.Error(), "remote error: tls:"):
		return lag.ClassAuthentication
	}
	return lag.ClassConnection
}

func classifyCode(code int16) lag.Class {
	switch code {
	case kerr.GroupAuthorizationFailed.Code, kerr.TopicAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code:
		return lag.ClassAuthorization
	case kerr.SaslAuthenticationFailed.Code, kerr.UnsupportedSaslMechanism.Code, kerr.IllegalSaslState.Code:
		return lag.ClassAuthentication
	case kerr.NotCoordinator.Code, kerr.CoordinatorNotAvailable.Code, kerr.CoordinatorLoadInProgress.Code:
		return lag.ClassCoordinator
	case kerr.NotLeaderForPartition.Code, kerr.LeaderNotAvailable.Code, kerr.OffsetNotAvailable.Code, kerr.FencedLeaderEpoch.Code,
		kerr.UnknownLeaderEpoch.Code, kerr.ReplicaNotAvailable.Code, kerr.KafkaStorageError.Code, kerr.BrokerNotAvailable.Code:
		return lag.ClassLeadership
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code, kerr.GroupIDNotFound.Code:
		return lag.ClassNotFound
	case kerr.UnsupportedVersion.Code:
		return lag.ClassUnsupported
	case kerr.RequestTimedOut.Code:
		return lag.ClassTimeout
	}
	return lag.ClassOther
}

// brokerWide says whether an error speaks against the broker as a whole rather than against one item.
func brokerWide(err error) bool { return unreachable(err) || lag.ClassOf(err) == lag.ClassProtocol }

// unreachable says whether an error means that the next request to the broker would most likely fail, too.
func unreachable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) { // we gave up
		return false
	}
	switch lag.ClassOf(err) {
	case lag.ClassConnection, lag.ClassTimeout, lag.ClassAuthentication:
		return true
	}
	return false
}

// authenticating says whether the broker refused our identity.
func authenticating(err error) bool { return lag.ClassOf(err) == lag.ClassAuthentication }

// brokenOff says whether a connection that stood came to an end, as idle ones do, or by what else was asked on it.
func brokenOff(err error) bool {
	var first *kgo.ErrFirstReadEOF // closed before it was of any use
	var dial *net.OpError
	var explained *connectError
	if errors.As(err, &explained) || errors.Is(err, errRefused) || errors.As(err, &first) || errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return errors.Is(err, errNoLogin) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "connection has died") ||
		strings.Contains(err.Error(), "correlation ID mismatch")
}

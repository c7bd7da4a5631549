package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// readError says which request at which broker failed, and with what class of error.
func readError(broker int32, req kmsg.Request, err error) error {
	if err == nil {
		return nil
	}
	return &lag.ReadError{Class: classify(err), Broker: broker, Op: kmsg.NameForKey(req.Key()), Err: err}
}

// codeError is the same for an error code in a response; nil for code 0.
func codeError(broker int32, req kmsg.Request, code int16) error {
	return readError(broker, req, kerr.ErrorForCode(code))
}

func classify(err error) lag.Class {
	var kafkaErr *kerr.Error
	if errors.As(err, &kafkaErr) {
		return classifyCode(kafkaErr.Code)
	}
	var netErr net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return lag.ClassTimeout
	// The client does not export these two.
	case strings.Contains(err.Error(), "broker is too old"), strings.Contains(err.Error(), "request key is unknown"):
		return lag.ClassUnsupported
	case strings.Contains(err.Error(), "not enough data"), strings.Contains(err.Error(), "correlation ID mismatch"),
		strings.Contains(err.Error(), "exceeds BrokerMaxReadBytes"):
		return lag.ClassProtocol
	case strings.Contains(err.Error(), "SASL"):
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
func brokerWide(err error) bool {
	switch lag.ClassOf(err) {
	case lag.ClassConnection, lag.ClassTimeout, lag.ClassAuthentication, lag.ClassProtocol:
		return true
	}
	return false
}

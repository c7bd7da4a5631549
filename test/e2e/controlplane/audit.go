package controlplane

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// AuditEvent is what tests look at of a line of the audit log.
type AuditEvent struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	RequestURI     string    `json:"requestURI"`
	Verb           string    `json:"verb"`
	ReceivedAt     time.Time `json:"requestReceivedTimestamp"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
}

// HPAController is the user of which kube-controller-manager is when it asks for metrics.
const HPAController = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

// AuditSize is how long the audit log is now.
func (c *ControlPlane) AuditSize() (int64, error) {
	info, err := os.Stat(c.AuditLog())
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Audit returns what a user has asked the API server for, from a place in the audit log on.
func (c *ControlPlane) Audit(user string, from int64) ([]AuditEvent, error) {
	file, err := os.Open(c.AuditLog())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	var events []AuditEvent
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var event AuditEvent
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.User.Username == user { // the last line may be half there
			events = append(events, event)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return events, nil
}

package stack

import (
	"context"
	"fmt"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
)

// Replica starts one more process of the adapter, with ports of its own, and waits until it is ready. The Service does not lead to
// it. Its log has the name. The caller ends its Process.
func (a *Adapter) Replica(ctx context.Context, name string, extra ...string) (*Adapter, error) {
	free, err := ports.Free(2)
	if err != nil {
		return nil, err
	}
	replica := *a
	replica.name = name
	replica.URL = fmt.Sprintf("https://127.0.0.1:%d", free[0])
	replica.WebURL = fmt.Sprintf("http://127.0.0.1:%d", free[1])
	err = replica.start(ctx, append([]string{
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", free[0]), fmt.Sprintf("--web.listen-address=127.0.0.1:%d", free[1]),
	}, extra...))
	return &replica, err
}

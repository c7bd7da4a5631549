package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// ParseItems reads an answer of the custom or the external metrics API.
func ParseItems(body []byte) ([]Item, error) {
	var list struct {
		Items []struct {
			Object struct {
				Name string `json:"name"`
			} `json:"describedObject"`
			Labels    map[string]string `json:"metricLabels"`
			Timestamp time.Time         `json:"timestamp"`
			Value     resource.Quantity `json:"value"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("%w: %.300s", err, body)
	}
	items := make([]Item, len(list.Items))
	for i, item := range list.Items {
		value, whole := item.Value.AsInt64() // 3000 is written 3k
		if !whole {
			return nil, fmt.Errorf("%s of %s is no whole number", &item.Value, item.Object.Name)
		}
		name := item.Object.Name
		if name == "" {
			name = strings.TrimSpace(item.Labels["consumergroup"])
		}
		items[i] = Item{name, value, item.Timestamp}
	}
	return items, nil
}

import { Dashboard } from '@grafana/schema';
export const d: Dashboard = {
  "uid": "kafka-lag",
  "title": "Kafka lag",
  "description": "Consumer groups and topics, from lag-adapter or lag-exporter. Replicas count once. Of several installs on different Kafka clusters, choose one by its job.",
  "tags": [
    "kafka",
    "kafka-lag-adapter"
  ],
  "schemaVersion": 39,
  "editable": true,
  "refresh": "30s",
  "time": {
    "from": "now-1h",
    "to": "now"
  },
  "templating": {
    "list": [
      {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 0,
        "sort": 0,
        "multi": false,
        "includeAll": false
      },
      {
        "name": "job",
        "label": "Job",
        "type": "query",
        "query": {
          "qryType": 1,
          "query": "label_values(kafka_brokers, job)",
          "refId": "PrometheusVariableQueryEditor-VariableQuery"
        },
        "datasource": {
          "type": "prometheus",
          "uid": "${datasource}"
        },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {
          "text": "All",
          "value": "$__all"
        }
      },
      {
        "name": "instance",
        "label": "Instance",
        "type": "query",
        "query": {
          "qryType": 1,
          "query": "label_values(kafka_brokers{job=~\"$job\"}, instance)",
          "refId": "PrometheusVariableQueryEditor-VariableQuery"
        },
        "datasource": {
          "type": "prometheus",
          "uid": "${datasource}"
        },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {
          "text": "All",
          "value": "$__all"
        }
      },
      {
        "name": "cluster",
        "label": "Cluster",
        "type": "query",
        "query": {
          "qryType": 1,
          "query": "label_values(kafka_brokers{job=~\"$job\"}, cluster)",
          "refId": "PrometheusVariableQueryEditor-VariableQuery"
        },
        "datasource": {
          "type": "prometheus",
          "uid": "${datasource}"
        },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {
          "text": "All",
          "value": "$__all"
        }
      },
      {
        "name": "group",
        "label": "Group",
        "type": "query",
        "query": {
          "qryType": 1,
          "query": "label_values(kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\"}, consumergroup)",
          "refId": "PrometheusVariableQueryEditor-VariableQuery"
        },
        "datasource": {
          "type": "prometheus",
          "uid": "${datasource}"
        },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {
          "text": "All",
          "value": "$__all"
        }
      },
      {
        "name": "topic",
        "label": "Topic",
        "type": "query",
        "query": {
          "qryType": 1,
          "query": "label_values(kafka_topic_partitions{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\"}, topic)",
          "refId": "PrometheusVariableQueryEditor-VariableQuery"
        },
        "datasource": {
          "type": "prometheus",
          "uid": "${datasource}"
        },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {
          "text": "All",
          "value": "$__all"
        }
      }
    ]
  },
  "links": [
    {
      "title": "Kafka lag",
      "type": "dashboards",
      "tags": [
        "kafka-lag-adapter"
      ],
      "asDropdown": true,
      "keepTime": true,
      "includeVars": true,
      "icon": "external link",
      "tooltip": "",
      "targetBlank": false
    }
  ],
  "panels": [
    {
      "id": 1,
      "type": "row",
      "title": "Overview",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 0
      },
      "collapsed": false
    },
    {
      "id": 2,
      "type": "stat",
      "title": "Groups",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 0,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count(max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}))",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 3,
      "type": "stat",
      "title": "Groups whose lag is not known",
      "description": "They have no lag series, and HPAs on them hold.",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 4,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count(max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 0) or vector(0)",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              },
              {
                "color": "red",
                "value": 1
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 4,
      "type": "stat",
      "title": "Largest lag of a group",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 8,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "max((sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"})) and max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 1))",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 5,
      "type": "stat",
      "title": "Stuck partitions",
      "description": "With lag, new records and no commit for 10 minutes.",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 12,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count(((max by (cluster, consumergroup, topic, partition) (min_over_time(kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0 unless max by (cluster, consumergroup, topic, partition) (changes(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0) and on (cluster, topic, partition) max by (cluster, topic, partition) (changes(kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}[10m])) > 0)) or vector(0)",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              },
              {
                "color": "red",
                "value": 1
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 6,
      "type": "stat",
      "title": "Records lost, 24 h",
      "description": "Deleted before a group had read them.",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 16,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "sum(max by (cluster, consumergroup, topic) (increase(kafka_consumergroup_lost_records_total{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[24h])))",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              },
              {
                "color": "red",
                "value": 1
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 7,
      "type": "stat",
      "title": "Under-replicated partitions",
      "gridPos": {
        "h": 4,
        "w": 4,
        "x": 20,
        "y": 1
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "sum(max by (cluster, topic, partition) (kafka_topic_partition_under_replicated_partition{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}))",
          "format": "time_series",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "thresholds": {
            "mode": "absolute",
            "steps": [
              {
                "color": "green",
                "value": null
              },
              {
                "color": "red",
                "value": 1
              }
            ]
          }
        },
        "overrides": []
      },
      "options": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {
          "calcs": [
            "lastNotNull"
          ],
          "fields": "",
          "values": false
        },
        "textMode": "auto"
      }
    },
    {
      "id": 8,
      "type": "row",
      "title": "Groups",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 5
      },
      "collapsed": false
    },
    {
      "id": 9,
      "type": "timeseries",
      "title": "Lag",
      "description": "Records. A gap means that a part of the group's lag is not known.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 6
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, (sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"})) and max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 1))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 10,
      "type": "timeseries",
      "title": "Consumed per second",
      "description": "Records committed, over 5 minutes.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 6
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (clamp_min(delta(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[5m]), 0) / 300)))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 11,
      "type": "table",
      "title": "Groups",
      "gridPos": {
        "h": 10,
        "w": 24,
        "x": 0,
        "y": 14
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "(sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"})) and max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 1)",
          "format": "table",
          "instant": true
        },
        {
          "refId": "B",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (clamp_min(delta(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[5m]), 0) / 300))",
          "format": "table",
          "instant": true
        },
        {
          "refId": "C",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "(sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"})) and max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 1) / (sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (clamp_min(delta(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[5m]), 0) / 300)) > 0)",
          "format": "table",
          "instant": true
        },
        {
          "refId": "D",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}))",
          "format": "table",
          "instant": true
        },
        {
          "refId": "E",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "max by (cluster, consumergroup) (kafka_consumergroup_members{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"})",
          "format": "table",
          "instant": true
        },
        {
          "refId": "F",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "time() - max by (cluster, consumergroup) (kafka_consumergroup_read_timestamp_seconds{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"})",
          "format": "table",
          "instant": true
        },
        {
          "refId": "G",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"})",
          "format": "table",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "custom": {
            "align": "auto",
            "filterable": true
          }
        },
        "overrides": [
          {
            "matcher": {
              "id": "byName",
              "options": "Lag"
            },
            "properties": [
              {
                "id": "unit",
                "value": "short"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Consumed/s"
            },
            "properties": [
              {
                "id": "unit",
                "value": "short"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Lag in time of consuming"
            },
            "properties": [
              {
                "id": "unit",
                "value": "s"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Partitions"
            },
            "properties": [
              {
                "id": "unit",
                "value": "none"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Members"
            },
            "properties": [
              {
                "id": "unit",
                "value": "none"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Age"
            },
            "properties": [
              {
                "id": "unit",
                "value": "s"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Known"
            },
            "properties": [
              {
                "id": "unit",
                "value": "bool_yes_no"
              }
            ]
          }
        ]
      },
      "options": {
        "showHeader": true,
        "sortBy": [
          {
            "desc": true,
            "displayName": "Lag"
          }
        ]
      },
      "transformations": [
        {
          "id": "merge",
          "options": {}
        },
        {
          "id": "organize",
          "options": {
            "excludeByName": {
              "Time": true
            },
            "indexByName": {},
            "renameByName": {
              "Value #A": "Lag",
              "Value #B": "Consumed/s",
              "Value #C": "Lag in time of consuming",
              "Value #D": "Partitions",
              "Value #E": "Members",
              "Value #F": "Age",
              "Value #G": "Known"
            }
          }
        }
      ]
    },
    {
      "id": 12,
      "type": "row",
      "title": "Who is stuck",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 24
      },
      "collapsed": false
    },
    {
      "id": 13,
      "type": "table",
      "title": "Stuck partitions",
      "description": "Lag, new records and no commit for 10 minutes. Empty is good.",
      "gridPos": {
        "h": 10,
        "w": 12,
        "x": 0,
        "y": 25
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "((max by (cluster, consumergroup, topic, partition) (min_over_time(kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0 unless max by (cluster, consumergroup, topic, partition) (changes(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0) and on (cluster, topic, partition) max by (cluster, topic, partition) (changes(kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}[10m])) > 0)",
          "format": "table",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "custom": {
            "align": "auto",
            "filterable": true
          }
        },
        "overrides": [
          {
            "matcher": {
              "id": "byName",
              "options": "Lag"
            },
            "properties": [
              {
                "id": "unit",
                "value": "short"
              }
            ]
          }
        ]
      },
      "options": {
        "showHeader": true,
        "sortBy": [
          {
            "desc": true,
            "displayName": "Lag"
          }
        ]
      },
      "transformations": [
        {
          "id": "merge",
          "options": {}
        },
        {
          "id": "organize",
          "options": {
            "excludeByName": {
              "Time": true
            },
            "indexByName": {},
            "renameByName": {
              "Value": "Lag"
            }
          }
        }
      ]
    },
    {
      "id": 14,
      "type": "table",
      "title": "Partitions most behind",
      "gridPos": {
        "h": 10,
        "w": 12,
        "x": 12,
        "y": 25
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(20, max by (cluster, consumergroup, topic, partition) (kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}))",
          "format": "table",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "custom": {
            "align": "auto",
            "filterable": true
          }
        },
        "overrides": [
          {
            "matcher": {
              "id": "byName",
              "options": "Lag"
            },
            "properties": [
              {
                "id": "unit",
                "value": "short"
              }
            ]
          }
        ]
      },
      "options": {
        "showHeader": true,
        "sortBy": [
          {
            "desc": true,
            "displayName": "Lag"
          }
        ]
      },
      "transformations": [
        {
          "id": "merge",
          "options": {}
        },
        {
          "id": "organize",
          "options": {
            "excludeByName": {
              "Time": true
            },
            "indexByName": {},
            "renameByName": {
              "Value": "Lag"
            }
          }
        }
      ]
    },
    {
      "id": 15,
      "type": "timeseries",
      "title": "Stuck partitions by group",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 35
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count by (cluster, consumergroup) (((max by (cluster, consumergroup, topic, partition) (min_over_time(kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0 unless max by (cluster, consumergroup, topic, partition) (changes(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[10m])) > 0) and on (cluster, topic, partition) max by (cluster, topic, partition) (changes(kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}[10m])) > 0)) or 0 * max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"})",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "none",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 16,
      "type": "timeseries",
      "title": "Records lost to retention, per minute",
      "description": "Deleted before the group had read them.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 35
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "60 * max by (cluster, consumergroup, topic) (rate(kafka_consumergroup_lost_records_total{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[5m]))",
          "legendFormat": "{{cluster}} {{consumergroup}} {{topic}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 17,
      "type": "row",
      "title": "Topics",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 43
      },
      "collapsed": false
    },
    {
      "id": 18,
      "type": "timeseries",
      "title": "Written per second",
      "description": "Records, over 5 minutes.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 44
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, sum by (cluster, topic) (max by (cluster, topic, partition) (clamp_min(delta(kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}[5m]), 0) / 300)))",
          "legendFormat": "{{cluster}} {{topic}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 19,
      "type": "timeseries",
      "title": "Lag by topic and group",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 44
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}))",
          "legendFormat": "{{cluster}} {{topic}} / {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 20,
      "type": "timeseries",
      "title": "Records held",
      "description": "Between the oldest and the next record.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 52
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, sum by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"} - kafka_topic_partition_oldest_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"})))",
          "legendFormat": "{{cluster}} {{topic}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 21,
      "type": "table",
      "title": "Topics",
      "gridPos": {
        "h": 10,
        "w": 12,
        "x": 12,
        "y": 52
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "sum by (cluster, topic) (max by (cluster, topic, partition) (clamp_min(delta(kafka_topic_partition_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}[5m]), 0) / 300))",
          "format": "table",
          "instant": true
        },
        {
          "refId": "B",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "max by (cluster, topic) (kafka_topic_partitions{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"})",
          "format": "table",
          "instant": true
        },
        {
          "refId": "C",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_leader{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}))",
          "format": "table",
          "instant": true
        },
        {
          "refId": "D",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "sum by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_under_replicated_partition{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", topic=~\"$topic\"}))",
          "format": "table",
          "instant": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "custom": {
            "align": "auto",
            "filterable": true
          }
        },
        "overrides": [
          {
            "matcher": {
              "id": "byName",
              "options": "Written/s"
            },
            "properties": [
              {
                "id": "unit",
                "value": "short"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Partitions"
            },
            "properties": [
              {
                "id": "unit",
                "value": "none"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "With a leader"
            },
            "properties": [
              {
                "id": "unit",
                "value": "none"
              }
            ]
          },
          {
            "matcher": {
              "id": "byName",
              "options": "Under-replicated"
            },
            "properties": [
              {
                "id": "unit",
                "value": "none"
              }
            ]
          }
        ]
      },
      "options": {
        "showHeader": true,
        "sortBy": [
          {
            "desc": true,
            "displayName": "Written/s"
          }
        ]
      },
      "transformations": [
        {
          "id": "merge",
          "options": {}
        },
        {
          "id": "organize",
          "options": {
            "excludeByName": {
              "Time": true
            },
            "indexByName": {},
            "renameByName": {
              "Value #A": "Written/s",
              "Value #B": "Partitions",
              "Value #C": "With a leader",
              "Value #D": "Under-replicated"
            }
          }
        }
      ]
    },
    {
      "id": 22,
      "type": "row",
      "title": "Members and capacity",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 62
      },
      "collapsed": false
    },
    {
      "id": 23,
      "type": "timeseries",
      "title": "Members",
      "gridPos": {
        "h": 8,
        "w": 8,
        "x": 0,
        "y": 63
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, max by (cluster, consumergroup) (kafka_consumergroup_members{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "none",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 24,
      "type": "timeseries",
      "title": "Partitions per member",
      "description": "Below 1 there are members without a partition: more replicas do not help.",
      "gridPos": {
        "h": 8,
        "w": 8,
        "x": 8,
        "y": 63
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "bottomk(15, count by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (kafka_consumergroup_lag{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"})) / (max by (cluster, consumergroup) (kafka_consumergroup_members{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) > 0))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 25,
      "type": "timeseries",
      "title": "Consumed per second and member",
      "description": "What one replica does: the base of a target for its HPA.",
      "gridPos": {
        "h": 8,
        "w": 8,
        "x": 16,
        "y": 63
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition) (clamp_min(delta(kafka_consumergroup_current_offset{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\", topic=~\"$topic\"}[5m]), 0) / 300)) / (max by (cluster, consumergroup) (kafka_consumergroup_members{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) > 0))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 26,
      "type": "row",
      "title": "Ages",
      "gridPos": {
        "h": 1,
        "w": 24,
        "x": 0,
        "y": 71
      },
      "collapsed": false
    },
    {
      "id": 27,
      "type": "timeseries",
      "title": "Time since the lag was read",
      "description": "By group, the oldest.",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 72
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "topk(15, time() - max by (cluster, consumergroup) (kafka_consumergroup_read_timestamp_seconds{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}))",
          "legendFormat": "{{cluster}} {{consumergroup}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "s",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    },
    {
      "id": 28,
      "type": "timeseries",
      "title": "Groups whose lag is not known",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 72
      },
      "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
      },
      "targets": [
        {
          "refId": "A",
          "datasource": {
            "type": "prometheus",
            "uid": "${datasource}"
          },
          "expr": "count by (cluster) (max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}) == 0) or 0 * count by (cluster) (max by (cluster, consumergroup) (kafka_consumergroup_up{job=~\"$job\", instance=~\"$instance\", cluster=~\"$cluster\", consumergroup=~\"$group\"}))",
          "legendFormat": "{{cluster}}",
          "format": "time_series",
          "range": true
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "none",
          "min": 0,
          "color": {
            "mode": "palette-classic"
          },
          "custom": {
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": false
          }
        },
        "overrides": []
      },
      "options": {
        "legend": {
          "calcs": [
            "lastNotNull",
            "max"
          ],
          "displayMode": "table",
          "placement": "bottom",
          "showLegend": true
        },
        "tooltip": {
          "mode": "multi",
          "sort": "desc"
        }
      }
    }
  ]
}

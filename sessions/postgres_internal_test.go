package sessions

import (
	"testing"
	"time"
)

func TestWhatAPostgresURLSaysWins(t *testing.T) {
	for _, check := range []struct {
		url                string
		connections        int32
		connect            time.Duration
		statement, waiting string
	}{
		{"postgres://db/lab", postgresConnections, postgresConnect, "4000", "2000"},
		{"postgresql://db/lab?pool_max_conns=3", 3, postgresConnect, "4000", "2000"},
		{"postgres://db/lab?pool_min_conns=20", 20, postgresConnect, "4000", "2000"},
		{"postgres://db/lab?connect_timeout=1", postgresConnections, time.Second, "4000", "2000"},
		{"postgres://db/lab?statement_timeout=1s&lock_timeout=20", postgresConnections, postgresConnect, "1s", "20"},
	} {
		config, err := postgresConfig(check.url)
		if err != nil {
			t.Errorf("%s: %v", check.url, err)
			continue
		}
		params := config.ConnConfig.RuntimeParams
		if config.MaxConns != check.connections || config.ConnConfig.ConnectTimeout != check.connect ||
			params["statement_timeout"] != check.statement || params["lock_timeout"] != check.waiting {
			t.Errorf("%s: %d connections, connect in %v, %v", check.url, config.MaxConns, config.ConnConfig.ConnectTimeout, params)
		}
	}
}

// Another program, which this server itself plays. So what a page says of copies, tokens and
// two programs at once is what happened, over real connections.

package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// What a Program allows a request and its answer.
const (
	programTimeout   = 5 * time.Second
	maxProgramAnswer = 1 << 20 // bytes; what follows is not read
)

// Program sends requests to this server as another program does: it keeps no cookies, goes
// through no proxy and follows no redirect. Many goroutines may use it at once.
type Program struct {
	client *http.Client
	logs   *notebook.Logs
	words  func(echo.Context) *locale.Printer // the language of the page that shows the answer
}

func newProgram(logs *notebook.Logs, words func(echo.Context) *locale.Printer) *Program {
	return &Program{logs: logs, words: words, client: &http.Client{
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// ProgramAnswer is what a Program was answered. The Body has at most 1 MB.
type ProgramAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request to the server that c came to, with a header of what the program holds,
// and with nothing of the browser's. It goes on the wire of log; nil: on none. It goes on if
// the browser goes away meanwhile, and takes 5 seconds at most. An answer of any status is no
// error.
func (p *Program) Do(c echo.Context, log *notebook.Log, method, path string, header http.Header, body []byte) (*ProgramAnswer, error) {
	local, ok := c.Request().Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil, errors.New("this request came by no connection, so there is no address to send another to")
	}
	ctx, cancel := input.InTime(c.Request().Context(), programTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+local.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Host = c.Request().Host // the name the cookies were set under
	request.Header = header.Clone()
	request.Header.Set("User-Agent", "another-program/1.0")
	request.Header.Set("Accept-Language", p.words(c).Tag.String())
	if log != nil {
		defer p.logs.Announce(request, log)()
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer := &ProgramAnswer{Status: response.StatusCode, Header: response.Header}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, maxProgramAnswer))
	return answer, err
}

// Exchange does what Do does without a body, and also returns the exchange as it is on the
// wire of log. The error is an [input.Problem], a 502, or [sessions.ErrEnded] if the notebook
// got another key meanwhile.
func (p *Program) Exchange(c echo.Context, log *notebook.Log, method, path string, header http.Header) (e *notebook.Exchange, body []byte, err error) {
	answer, err := p.Do(c, log, method, path, header, nil)
	if err == nil {
		for _, e := range slices.Backward(log.Exchanges()) {
			if e.Client == notebook.ClientOther && e.Method == method && e.Target == path {
				return e, answer.Body, nil
			}
		}
		if log.HandedOver() {
			return nil, nil, fmt.Errorf("%w: the notebook has another key", sessions.ErrEnded)
		}
		err = errors.New("the exchange that was just made has left the wire")
	}
	return nil, nil, input.NewProblem(http.StatusBadGateway, "no_answer", locale.Msg("error.no_answer")).Wrap(err)
}

// close closes its connections.
func (p *Program) close() { p.client.CloseIdleConnections() }

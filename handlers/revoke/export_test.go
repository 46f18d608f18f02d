// What tests of a new class need of it without a request.

package revoke

import (
	"context"
	"time"

	"cookielab/sessions"
)

// End ends the class as a form does whose sender was let in before.
func (class *Class) End(ctx context.Context, by sessions.ID, at time.Time) error {
	_, err := class.end(ctx, by, at)
	return err
}

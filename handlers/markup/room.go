// Room: how much of a value a page shows.

package markup

import (
	"html/template"
)

// Room is how many bytes of markup a page may still use for the values that it takes
// apart. It is bounded because one byte of a value can take thirty bytes of markup, and a
// value can contain other values.
type Room struct {
	left, leftOut int // leftOut: bytes of values for which there was no room
}

// NewRoom makes room for so many bytes.
func NewRoom(bytes int) Room { return Room{left: bytes} }

// Left returns how many bytes may still be used; below 0 if more were used than there was
// room for.
func (r *Room) Left() int { return r.left }

// MaxShown is the room that a page has in all, in bytes.
const MaxShown = 128 << 10

// Spelt returns the markup of as much of a text as there is room for. In it everything is
// visible: other characters are written as \x00 or \u202e. lines says that the text has
// several lines, whose breaks and tabs stay. It also counts around, the bytes that the page
// puts around the text.
func (r *Room) Spelt(text string, lines bool, around int) template.HTML {
	html, rest := spelt(text, lines, r.left-around)
	r.left -= len(html) + around // below 0: there was no room even for what is around it
	r.leftOut += rest
	return html
}

// Hidden returns how many bytes of values were left out for lack of room.
func (r *Room) Hidden() int { return r.leftOut }

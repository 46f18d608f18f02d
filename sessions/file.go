// Files: a Store of one file a session, which a person can read.

package sessions

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// Files keeps each record in a file of its own (Django's file engine), named by
// its ID, in one of 256 folders by its first byte, as git keeps its objects:
//
//	DIR/3f/3fa1…e9
//	{"version":2,"owner":"alice","created":"2026-11-23T08:00:00.123456Z","saved":…,"expires":…}
//	{"_user":"alice","theme":"dark"}
//	crc32c 1c291ca3
//
// The first line is the record, then come its data, as they are, and a sum over
// the ID and all before it. Several processes may share the folder. A file is
// written aside and renamed, so nobody reads half of one. What was answered
// survives the end of the process, kill -9 included; nothing is forced to the
// disk, so after a power cut a session may be as it was some saves ago, or gone.
//
// What is no file of ours, or not as we wrote it, is no session: [ErrNotFound],
// wrapped with the reason. It is never followed, changed or waited for. Delete of
// version 0 (any version) removes it if it is a regular file of this process's user.
//
// The folder must stay where it was opened. If it is moved, removed or replaced, all
// methods return [ErrUnavailable] until it is back; no session ends by that. On a full
// disk Create and Update return [ErrFull]; what is there can be read and removed.
type Files struct {
	clock   Clock
	dir     string
	home    *heldFolder // the folder that dir was when it was opened
	closed  atomic.Bool
	stripes [256]fileStripe
}

const (
	// In each of the 256 folders: the lock, and what is written aside.
	lockName, spareName = "lock", "spare"

	// maxFile bounds what is read: the data, and an owner, who is among the
	// data and may be longer escaped.
	maxFile = 4 * MaxStored
)

// fileHeader is the first line of a file.
type fileHeader struct {
	Version uint64    `json:"version"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
	Saved   time.Time `json:"saved"`
	Expires time.Time `json:"expires"`
}

var _ Store = (*Files)(nil)

// OpenFiles opens a folder of sessions, made with mode 0700 if it is missing;
// the folder above it must exist. What is no folder, and on Unix also a
// symlink, a folder of somebody else's or one that others may enter or read, is
// refused with an error that wraps [ErrOption] and names it. On Windows, where
// Go sees no such bits, these three are not checked. A nil clock is time.Now.
func OpenFiles(dir string, clock Clock) (*Files, error) {
	dir, err := filepath.Abs(dir) // also without a last slash, which would follow a symlink
	if err != nil {
		return nil, fmt.Errorf("%w: the session folder: %w", ErrOption, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: the session folder: %w", ErrOption, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: the session folder: %w", ErrOption, err)
	}
	if err := private(info); err != nil {
		return nil, fmt.Errorf("%w: the session folder %s %w", ErrOption, dir, err)
	}
	home, err := holdFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: the session folder: %w", ErrOption, err)
	}
	f := &Files{clock: clock, dir: dir, home: home}
	for i := range f.stripes {
		f.stripes[i] = fileStripe{
			inside: make(stripe, 1),
			folder: filepath.Join(dir, hex.EncodeToString([]byte{byte(i)})),
		}
		f.stripes[i].outside = flock.New(filepath.Join(f.stripes[i].folder, lockName),
			flock.SetFlag(os.O_CREATE|os.O_RDWR|safeOpen))
	}
	return f, nil
}

// String names the store in traces.
func (f *Files) String() string { return "file" }

// Path is where the record of an ID lies, or would: for those who want to look.
func (f *Files) Path(id ID) string {
	name := id.String()
	return f.dir + string(filepath.Separator) + name[:2] + string(filepath.Separator) + name
}

// Close ends the use of the store; all its methods fail afterwards.
func (f *Files) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	return f.home.Close()
}

// errOtherFolder: the path leads to another folder than at the start.
var errOtherFolder = errors.New("it is not the folder that was opened")

// lost says why the folder cannot be used; nil if it can.
func (f *Files) lost() error {
	if f.closed.Load() {
		return unavailable(os.ErrClosed)
	}
	if err := f.home.liesAt(f.dir); err != nil {
		return unavailable(fmt.Errorf("the session folder %s: %w", f.dir, err))
	}
	return nil
}

// failedOnDisk returns [ErrFull] for a full disk, and ErrUnavailable for any other
// failure.
func failedOnDisk(err error) error {
	if isDiskFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return unavailable(err)
}

// Create implements [Store]. Whatever lies where the file belongs, even what is
// no session, takes the ID.
func (f *Files) Create(ctx context.Context, rec Record) error {
	unlock, err := f.lock(ctx, rec.ID[0])
	if err != nil {
		return err
	}
	defer unlock()
	switch _, err := os.Lstat(f.Path(rec.ID)); {
	case err == nil:
		return ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return unavailable(err)
	}
	rec.Version = 1
	return f.write(rec)
}

// Load implements [Store].
func (f *Files) Load(ctx context.Context, id ID) (Record, error) {
	rec, err := f.look(ctx, id)
	if err == nil && !rec.Expires.After(f.clock.Now()) {
		err = ErrExpired
	}
	return rec, err
}

// Update implements [Store].
func (f *Files) Update(ctx context.Context, rec Record) error {
	unlock, err := f.lock(ctx, rec.ID[0])
	if err != nil {
		return err
	}
	defer unlock()
	switch old, err := f.read(rec.ID); {
	case err != nil:
		return err
	case !old.Expires.After(f.clock.Now()):
		return ErrExpired
	case old.Version != rec.Version:
		return ErrConflict
	default:
		rec.Version, rec.Created = old.Version+1, old.Created
		return f.write(rec)
	}
}

// Delete implements [Store]. It needs no room on the disk.
func (f *Files) Delete(ctx context.Context, id ID, version uint64) error {
	unlock, err := f.lockToRemove(ctx, id[0])
	if err != nil {
		return err
	}
	defer unlock()
	switch old, err := f.read(id); {
	case errors.Is(err, ErrNotFound) && version == 0 && f.isOurs(id):
		// It is no session, but a file of ours, so it is removed, too.
	case err != nil:
		return err
	case version != 0 && version != old.Version:
		return ErrConflict
	}
	return unavailable(f.remove(id))
}

// lockToRemove takes a lock for a removal, which has to work on a full disk, too. The
// file of a lock is made with the first session of its folder. If it is missing and
// there is no room to make it, no other process can have made it either, so the lock
// inside this process is enough.
func (f *Files) lockToRemove(ctx context.Context, number byte) (unlock func(), err error) {
	unlock, err = f.lock(ctx, number)
	if !errors.Is(err, ErrFull) {
		return unlock, err
	}
	inside := f.stripes[number].inside
	_, err = inside.lock(ctx)
	return inside.unlock, err
}

// isOurs reports whether the file of an ID, whatever it contains, is a regular file of
// this process's user.
func (f *Files) isOurs(id ID) bool {
	info, err := os.Lstat(f.Path(id))
	return err == nil && info.Mode().IsRegular() && ours(info)
}

// remove removes a file, and the spare one, which may hold what the session
// was before; only under the lock.
func (f *Files) remove(id ID) error {
	_ = removeFile(f.spare(id[0])) // mostly there is none
	return removeFile(f.Path(id))
}

// ByOwner implements [Store]. There is no index: it reads every file, those of
// all owners, which takes seconds where there are hundreds of thousands.
func (f *Files) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	return pageOfWalk(f.owned(ctx, owner), f.clock.Now(), after, limit)
}

// Trim implements [Store]. Like ByOwner, it reads every file.
func (f *Files) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return trimWalk(ctx, f, f.owned(ctx, owner), keep, clearRest)
}

// owned walks the records of an owner.
func (f *Files) owned(ctx context.Context, owner string) walk {
	return func(show func(Record, int)) error {
		if owner == "" {
			return nil
		}
		for id, err := range f.ids(ctx) {
			if err != nil {
				return err
			}
			switch rec, err := f.look(ctx, id); {
			case err == nil && rec.Owner == owner:
				size := len(rec.Data)
				rec.Data = nil
				show(rec, size)
			case err != nil && !errors.Is(err, ErrNotFound):
				return err
			}
		}
		return nil
	}
}

// ClearExpired implements [Store]. It reads without a lock, and takes one for
// each file that it removes. A file of ours that cannot be read as a session
// counts as one that expired when it was last written.
func (f *Files) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	cleared := 0
	for id, err := range f.ids(ctx) {
		if cleared >= limit {
			break
		}
		gone := false
		if err == nil {
			gone, err = f.clear(ctx, id, before)
		}
		if err != nil {
			return cleared, err
		}
		if !gone {
			continue
		}
		if cleared++; cleared%clearStep == 0 {
			if err := pause(ctx, clearRest); err != nil {
				return cleared, err
			}
		}
	}
	return cleared, nil
}

// clear removes a file whose time is over, which it looks at once more under
// the lock: its session may have been saved since.
func (f *Files) clear(ctx context.Context, id ID, before time.Time) (bool, error) {
	if rec, err := f.read(id); err == nil && !rec.Expires.Before(before) {
		return false, nil
	}
	unlock, err := f.lockToRemove(ctx, id[0])
	if err != nil {
		return false, err
	}
	defer unlock()
	if over, err := f.over(id, before); !over || err != nil {
		return false, err
	}
	return true, unavailable(f.remove(id))
}

// over says whether a file may go; only under the lock.
func (f *Files) over(id ID, before time.Time) (bool, error) {
	rec, err := f.read(id)
	if err == nil {
		return rec.Expires.Before(before), nil
	}
	if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	info, err := os.Lstat(f.Path(id))
	return err == nil && info.Mode().IsRegular() && ours(info) && info.ModTime().Before(before), nil
}

// ids are the IDs that have a file, whatever is in it. Each folder is listed
// under its lock, which takes a moment: on some file systems a listing passes
// over a file that a rename swaps meanwhile, and "sign out everywhere" must not.
func (f *Files) ids(ctx context.Context) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		folders, err := os.ReadDir(f.dir)
		if err = unavailable(err); err == nil {
			err = f.lost()
		}
		if err != nil {
			yield(ID{}, err)
			return
		}
		for _, folder := range folders {
			number, err := hex.DecodeString(folder.Name())
			if err != nil || len(number) != 1 || !folder.IsDir() {
				continue
			}
			names, err := f.list(ctx, number[0])
			if err != nil {
				yield(ID{}, err)
				return
			}
			for _, name := range names {
				id, ok := ParseID(name)
				if ok && id[0] == number[0] && !yield(id, nil) {
					return
				}
			}
		}
	}
}

// list gives the names in one folder, and removes the spare file: it is what a
// session was before, or half of what it was to be when its writer crashed.
func (f *Files) list(ctx context.Context, number byte) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	unlock, err := f.lockToRemove(ctx, number)
	if err != nil {
		return nil, err
	}
	defer unlock()
	_ = removeFile(f.spare(number)) // mostly there is none
	folder, err := os.OpenFile(f.stripes[number].folder, os.O_RDONLY|safeOpen, 0)
	if err != nil {
		return nil, unavailable(err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	return names, unavailable(err)
}

// errNoSession: what lies there is no session file of ours.
var errNoSession = errors.New("is no session file")

// look reads the record of an ID without a lock, as a rename swaps whole files.
// Only a file that was opened before a save and read after it may be the spare
// by then, and about to be written: that it is not in its place any more tells,
// or its sum. Then, as for what is no session at all, the lock decides.
func (f *Files) look(ctx context.Context, id ID) (Record, error) {
	rec, err := f.read(id)
	if !errors.Is(err, errNoSession) {
		return rec, err
	}
	unlock, err := f.lock(ctx, id[0])
	if err != nil {
		return Record{}, err
	}
	defer unlock()
	return f.read(id)
}

// read reads the record of an ID, expired or not. Without the lock, what seems
// to be no session may be one: see look.
func (f *Files) read(id ID) (Record, error) {
	path := f.Path(id)
	content, err := readFile(path, maxFile)
	var rec Record
	if err == nil {
		rec, err = parseFile(id, content)
	}
	if lost := f.lost(); lost != nil {
		return Record{}, lost
	}
	switch {
	case err == nil:
		return rec, nil
	case errors.Is(err, errNoSession):
		return Record{}, fmt.Errorf("%w: %s %w", ErrNotFound, path, err)
	case errors.Is(err, fs.ErrNotExist):
		return Record{}, ErrNotFound
	default:
		return Record{}, unavailable(err)
	}
}

// seal is the last line of a file. It tells a whole file from what a crash or a
// foreign hand left, and one session's from another's.
func seal(id ID, body []byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli) // made once
	return fmt.Appendf(nil, "crc32c %08x\n", crc32.Update(crc32.Checksum(id[:], table), table, body))
}

const sealLength = len("crc32c 1c291ca3\n")

// parseFile takes the file of an ID apart.
func parseFile(id ID, content []byte) (Record, error) {
	end := max(0, len(content)-sealLength)
	body := content[:end:end]
	if !bytes.Equal(content[end:], seal(id, body)) {
		return Record{}, fmt.Errorf("%w: its sum is wrong", errNoSession)
	}
	line, data, _ := bytes.Cut(body, []byte("\n"))
	var h fileHeader
	if err := json.Unmarshal(line, &h); err != nil {
		return Record{}, fmt.Errorf("%w: its first line: %w", errNoSession, err)
	}
	if h.Version == 0 {
		return Record{}, fmt.Errorf("%w: its first line has no version", errNoSession)
	}
	return Record{
		ID: id, Version: h.Version, Owner: h.Owner, Data: bytes.TrimSuffix(data, []byte("\n")),
		Created: h.Created.UTC(), Saved: h.Saved.UTC(), Expires: h.Expires.UTC(),
	}, nil
}

// write puts a record in the place of what lies there; only under the lock:
//
//  1. write the spare file, made if it is missing,
//  2. let it and the session's file change places; the old one is the spare
//     now. Where that cannot be done, or there is no old one, rename it.
//
// To make a new file for each save, and remove the old one, was measured to
// take ten times as long on ext4, which avoids inodes that were freed lately.
func (f *Files) write(rec Record) error {
	var content bytes.Buffer
	content.Grow(256 + len(rec.Data)) // enough for the most
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false) // it is for people
	err := encoder.Encode(fileHeader{rec.Version, rec.Owner, rec.Created.UTC(), rec.Saved.UTC(), rec.Expires.UTC()})
	if err != nil {
		return unavailable(err)
	}
	content.Write(rec.Data)
	content.WriteByte('\n')
	content.Write(seal(rec.ID, content.Bytes()))
	if content.Len() > maxFile { // it could not be read again
		return unavailable(fmt.Errorf("%w: a file of %d bytes, at most %d", ErrTooLarge, content.Len(), maxFile))
	}
	spare := f.spare(rec.ID[0])
	err = writeFile(spare, content.Bytes())
	if err == nil {
		err = swapFiles(spare, f.Path(rec.ID))
	}
	if err != nil {
		_ = removeFile(spare) // if it is there; cleaning takes it at the latest
	}
	return failedOnDisk(err)
}

func (f *Files) spare(number byte) string {
	return f.stripes[number].folder + string(filepath.Separator) + spareName
}

// writeFile fills a file that is for us alone, made if it is missing.
func writeFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|safeOpen, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular() || !ours(info):
		err = fmt.Errorf("%s is no file of ours", path)
	default:
		if _, err = file.Write(content); err == nil && info.Size() > int64(len(content)) {
			err = file.Truncate(int64(len(content)))
		}
	}
	return errors.Join(err, file.Close())
}

// fileStripe is one of the 256 folders and the lock that every writer in it
// takes: two parts, as the lock on a file belongs to the open file and not to
// the goroutine. The lock's file is opened anew each time, by its name, so that
// processes still meet at one lock after somebody emptied the folder.
type fileStripe struct {
	folder  string
	inside  stripe       // among the goroutines of this process
	outside *flock.Flock // among processes
}

// lockWait bounds the wait for other writers in one folder, who take
// microseconds each unless the disk or a process hangs.
const lockWait = 5 * time.Second

func (f *Files) lock(ctx context.Context, number byte) (unlock func(), err error) {
	if err := f.lost(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	s := &f.stripes[number]
	if _, err := s.inside.lock(ctx); err != nil {
		return nil, err
	}
	if err := s.lockOutside(ctx); err != nil {
		s.inside.unlock()
		return nil, err
	}
	return s.unlock, nil
}

// lockOutside asks again and again: a call that waits could not be cut short.
func (s *fileStripe) lockOutside(ctx context.Context) error {
	const first, longest = 100 * time.Microsecond, 10 * time.Millisecond
	made := false
	for wait := first; ; {
		locked, err := s.outside.TryLock()
		switch {
		case locked:
			return nil
		case errors.Is(err, fs.ErrNotExist) && !made:
			made = true // the first session of this folder
			if err := os.Mkdir(s.folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return failedOnDisk(err)
			}
		case err != nil:
			return failedOnDisk(err)
		default:
			if err := pause(ctx, wait/2+rand.N(wait)); err != nil {
				return fmt.Errorf("waited too long for %s: %w", s.outside, err)
			}
			wait = min(2*wait, longest)
		}
	}
}

func (s *fileStripe) unlock() {
	_ = s.outside.Unlock() // fails for no lock that was taken
	s.inside.unlock()
}

// Package sessions remembers visitors of an Echo program: lazily, with Django's
// vocabulary, and without losing a concurrent write.
//
// Five ideas, one file each, outermost first:
//
//   - [Hold] (hold.go) keeps a reply back until everything it promises is saved.
//   - [Manager] (manager.go) gives a request its [Session] and saves it once, at the end.
//   - [Carrier] (carrier.go) is how a value travels: a cookie, a header.
//   - [Engine] (engine.go) is what a carried value stands for: a key to a record, or the data itself.
//   - [Store] (store.go) is where records lie; its comments are the contract that storetest checks.
//
// A program needs three lines:
//
//	manager, err := sessions.New(sessions.Keyed("session", store), sessions.DefaultOptions())
//	e.Use(sessions.Hold())
//	session, err := manager.Load(c) // in a handler
//
// Where sessions lie is the store's affair: [SQLite] and [Postgres], [Memory]
// and [Redis], [Files], and [Cached] for a cache in front of a database;
// [Backend] opens them by the names of Django's engines. Only [SignedCookies]
// needs no store, and cannot do what takes one. A token ([Tokens],
// [Authorization]) is a session that a program carries in a header. [ReadSecrets] reads
// the keys that sign.
//
// What is saved and when: changes are recorded key by key and committed once,
// after the handler, onto the record as it is then. Two requests that write
// different keys of one session both win; for the same key the last writer
// does. A record that was ended meanwhile is never brought back. If a session got
// another key meanwhile ([Session.CycleKey]), a request that still has the old key
// can end it, too: for a minute the old record says which record took its place. Only
// this package reads that, to end the new record or, with Options.FollowReplaced, to
// save to it; whoever carries the old key never learns the new one.
//
// There are bounds for a session's data ([MaxStored]), its life ([MaxAge]), the time
// that a request waits for stores ([Hold]), and the sessions that belong to no user
// (Options.Quota).
package sessions

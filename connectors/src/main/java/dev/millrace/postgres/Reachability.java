package dev.millrace.postgres;

/// Whether a database lets us in, and if not, in which of the ways that have different remedies.
/// `why` is the server's or the driver's own sentence; it never holds the password.
public sealed interface Reachability {

    record Reached() implements Reachability {}

    record Unreachable(String why) implements Reachability {}

    /// The server answers and takes no session now.
    record Busy(String why) implements Reachability {}

    /// Wrong password, unknown user, or no rule of `pg_hba.conf` for this client.
    record LoginRefused(String why) implements Reachability {}

    record DatabaseMissing(String why) implements Reachability {}

    /// The role may not connect to this database.
    record NotPermitted(String why) implements Reachability {}

    record Failed(String why) implements Reachability {}
}

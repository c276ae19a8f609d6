package dev.millrace.lag;

import org.jspecify.annotations.Nullable;

/// How a server answers, and how busy it is with the database. What is not known is `null`.
/// Immutable.
///
/// @param name `source` or `target`
/// @param version of PostgreSQL
/// @param latencySeconds how long the server took for the last short query
/// @param lockWaits sessions that wait for a lock
/// @param slowQueries sessions of other programs whose statement runs for more than five seconds
/// @param pool Millrace's short-lived connections
public record ServerUse(
        String name,
        @Nullable String version,
        @Nullable Double latencySeconds,
        @Nullable Long lockWaits,
        @Nullable Long slowQueries,
        Pool pool) {

    /// @param waiting threads that wait for a connection
    public record Pool(int active, int idle, int waiting, int limit) {}
}

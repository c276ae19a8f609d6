package dev.millrace.fence;

import java.time.Duration;

/// The lease of a [WriteFence] as its database had it when it was read, by the clock of that
/// database. The epoch increases with each closing and opening. Immutable.
public sealed interface Lease {

    /// Whether writes of the application are refused.
    default boolean isClosed() {
        return switch (this) {
            case Leased _, Permanent _ -> true;
            case Absent _, Expired _, Open _ -> false;
        };
    }

    /// The fence has never been closed.
    record Absent() implements Lease {}

    /// Closed until the lease expires.
    ///
    /// @param remaining time until then; positive
    record Leased(long epoch, Duration remaining) implements Lease {}

    /// Open, because the lease was neither renewed nor made permanent in time.
    record Expired(long epoch) implements Lease {}

    /// Closed until [WriteFence#open].
    record Permanent(long epoch) implements Lease {}

    /// Open, because the lease was lifted or the fence was opened.
    record Open(long epoch) implements Lease {}

    /// What came of a change of the lease.
    sealed interface Change {

        /// The change is committed.
        ///
        /// @param lease the lease after it
        record Taken(Lease lease) implements Change {}

        /// The lease does not permit the change, for example because it has expired or another
        /// controller has a newer epoch. Nothing has changed.
        ///
        /// @param lease the lease as it is
        record NotTaken(Lease lease) implements Change {}

        /// The database did not answer within the limit: the change is committed or it is not. Ask
        /// [WriteFence#read] later, or repeat the change.
        ///
        /// @param reason kind of the failure, for the operator
        record Unknown(String reason) implements Change {}
    }
}

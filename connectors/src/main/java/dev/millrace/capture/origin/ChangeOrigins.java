package dev.millrace.capture.origin;

import dev.millrace.change.TableId;
import java.time.Instant;
import java.util.Optional;

/// The changes of a source by who wrote them: rows that were inserted, updated or deleted, and
/// truncates. Immutable.
///
/// @param own written by the opposite stream of the migration; not in the log
/// @param ofOthers every other change, written to the log
/// @param lastOfOthers the last of them
public record ChangeOrigins(long own, long ofOthers, Optional<Foreign> lastOfOthers) {

    public static final ChangeOrigins NONE = new ChangeOrigins(0, 0, Optional.empty());

    /// A change that the opposite stream did not write.
    ///
    /// @param committedAt by the source's clock
    public record Foreign(TableId table, Instant committedAt) {}

    public ChangeOrigins plusOwn() {
        return new ChangeOrigins(own + 1, ofOthers, lastOfOthers);
    }

    public ChangeOrigins plus(Foreign change) {
        return new ChangeOrigins(own, ofOthers + 1, Optional.of(change));
    }

    /// @param later changes after these
    public ChangeOrigins plus(ChangeOrigins later) {
        return new ChangeOrigins(
                own + later.own,
                ofOthers + later.ofOthers,
                later.lastOfOthers.or(() -> lastOfOthers));
    }
}

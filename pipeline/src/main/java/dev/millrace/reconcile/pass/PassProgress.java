package dev.millrace.reconcile.pass;

import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.FencedRead.Between;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// Keeps which chunks of a pass are equal, so that a pass that was interrupted can continue at the
/// others. Only equal chunks are kept: one with a difference is compared again. Confined to the
/// reconciliation's thread.
///
/// **Why a continued pass is right.** A chunk that an earlier process compared was equal between
/// its two positions, and the report says so. A comparison of touched keys builds on the position
/// where the interrupted pass began. A pass continues only in the same generation, with the same
/// mappings, and if the definitions of the tables are the same on servers that were not replaced.
public interface PassProgress {

    /// Keeps nothing.
    PassProgress NONE =
            new PassProgress() {
                @Override
                public Begun begin(Instant now, Servers servers, Collection<Mapping> mappings) {
                    return new Begun(now, servers, false, Optional.empty());
                }

                @Override
                public List<Chunk> chunks(ComparedTable table) {
                    return List.of();
                }

                @Override
                public void planned(ComparedTable table, List<Chunk> chunks) {}

                @Override
                public void equal(
                        ComparedTable table, List<Chunk> chunks, Optional<StartPosition> start) {}

                @Override
                public void interrupted() {}
            };

    /// Begins a pass, or continues an interrupted one.
    ///
    /// @param servers as they are now
    Begun begin(Instant now, Servers servers, Collection<Mapping> mappings);

    /// The chunks of a table in the order of their ranges; none if they were not planned.
    List<Chunk> chunks(ComparedTable table);

    void planned(ComparedTable table, List<Chunk> chunks);

    /// Keeps that these chunks are equal.
    ///
    /// @param start where the first read of the pass was, if it is known
    void equal(ComparedTable table, List<Chunk> chunks, Optional<StartPosition> start);

    /// A table is undecided for a reason that passes by itself.
    void interrupted();

    /// @param startedAt when the pass began, perhaps before it was interrupted
    /// @param servers as they were then
    /// @param continued whether it was interrupted
    /// @param start where the first read of an interrupted pass was; empty if unknown
    record Begun(
            Instant startedAt, Servers servers, boolean continued, Optional<StartPosition> start) {}

    /// @param number from 0, in the order of the ranges
    /// @param equal empty until it was found equal
    record Chunk(int number, KeyRange range, Optional<Equal> equal) {

        Chunk foundEqual(Equal found) {
            return new Chunk(number, range, Optional.of(found));
        }
    }

    /// @param rows of either side
    /// @param inFlight keys that changed while they were compared
    /// @param between where the source was read
    record Equal(RowSum rows, long inFlight, Between between) {}
}

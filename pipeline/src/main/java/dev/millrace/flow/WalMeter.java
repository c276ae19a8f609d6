package dev.millrace.flow;

import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.postgres.load.LoadReader.Wal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The WAL that the source retains for the migration, against its budget: the one of the file or
/// `max_slot_wal_keep_size`, whichever is less. The rate is that of the last minute. Thread-safe.
final class WalMeter {

    private static final Duration WINDOW = Duration.ofMinutes(1);

    /// An older value is not known any more.
    private static final Duration TOO_OLD = Duration.ofSeconds(5);

    private record Sample(double bytes, Instant at) {}

    private final OptionalLong declared;
    private final Deque<Sample> samples = new ArrayDeque<>();
    private Reading last = new Reading.Unknown("not read yet");
    private @Nullable Instant lastAt;
    private @Nullable Double budget;

    /// @param declared the budget of the file
    WalMeter(OptionalLong declared) {
        this.declared = declared;
        this.budget = declared.isPresent() ? (double) declared.getAsLong() : null;
    }

    synchronized void read(Wal wal, Instant at) {
        last = wal.retained();
        lastAt = at;
        switch (last) {
            case Reading.Known(double bytes) -> {
                samples.addLast(new Sample(bytes, at));
                while (samples.getFirst().at().plus(WINDOW).isBefore(at)) {
                    samples.removeFirst();
                }
                budget = budget(wal.cap());
            }
            case Reading.Unknown _ -> samples.clear();
        }
    }

    private @Nullable Double budget(Reading cap) {
        return switch (cap) {
            case Reading.Known(double bytes) ->
                    declared.isPresent() ? Math.min(bytes, declared.getAsLong()) : bytes;
            case Reading.Unknown _ -> declared.isPresent() ? (double) declared.getAsLong() : null;
        };
    }

    /// The part of the budget that is used. Of a source without a limit, nothing is used up.
    synchronized Reading used(Instant now) {
        Double limit = budget;
        return switch (retained(now)) {
            case Reading.Known(double bytes) ->
                    new Reading.Known(limit == null ? 0 : bytes / limit);
            case Reading.Unknown unknown -> unknown;
        };
    }

    /// When [#used] was read.
    ///
    /// @param otherwise before the first reading
    synchronized Instant readAt(Instant otherwise) {
        return lastAt == null ? otherwise : lastAt;
    }

    private Reading retained(Instant now) {
        Instant at = lastAt;
        return at != null && Duration.between(at, now).compareTo(TOO_OLD) > 0
                ? new Reading.Unknown("the source has not answered since " + at)
                : last;
    }

    synchronized FlowReport.Wal report(Instant now) {
        Double limit = budget;
        if (!(retained(now) instanceof Reading.Known(double bytes))) {
            return new FlowReport.Wal(null, whole(limit), null, null, null);
        }
        Double rate = rate();
        return new FlowReport.Wal(
                (long) bytes,
                whole(limit),
                limit == null ? null : bytes / limit,
                rate,
                limit == null || rate == null || rate <= 0
                        ? null
                        : Math.max(0, limit - bytes) / rate);
    }

    private static @Nullable Long whole(@Nullable Double bytes) {
        return bytes == null ? null : (long) bytes.doubleValue();
    }

    private @Nullable Double rate() {
        if (samples.isEmpty()) {
            return null;
        }
        Sample first = samples.getFirst();
        Sample newest = samples.getLast();
        double seconds = Duration.between(first.at(), newest.at()).toNanos() / 1e9;
        return seconds < 1 ? null : (newest.bytes() - first.bytes()) / seconds;
    }
}

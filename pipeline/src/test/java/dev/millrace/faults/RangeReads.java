package dev.millrace.faults;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The ranges of pages that sessions asked a server for, from the server's own log. Immutable.
///
/// @param ranges in the order of the log
record RangeReads(List<Range> ranges) {

    /// Positions are page and line in one number; `from` is in the range, `to` is not.
    ///
    /// @param session process id of the session
    record Range(long session, long from, long to) {

        private boolean overlaps(Range other) {
            return from < other.to && other.from < to;
        }
    }

    private static final Pattern COPY =
            Pattern.compile(
                    "^(\\d+) LOG: .*COPY \\(SELECT t\\.ctid.*ctid >= '\\((\\d+),(\\d+)\\)'(?: AND"
                            + " ctid < '\\((\\d+),(\\d+)\\)')?.*");

    RangeReads {
        ranges = List.copyOf(ranges);
    }

    /// @param begin,end positions in the file
    static RangeReads of(Path log, long begin, long end) throws IOException {
        List<Range> found = new ArrayList<>();
        try (FileChannel channel = FileChannel.open(log).position(begin);
                BufferedReader lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        Channels.newInputStream(channel),
                                        StandardCharsets.UTF_8))) {
            long left = end - begin;
            String line = lines.readLine();
            while (line != null && left > 0) {
                range(line).ifPresent(found::add);
                left -= line.getBytes(StandardCharsets.UTF_8).length + 1;
                line = lines.readLine();
            }
        }
        return new RangeReads(found);
    }

    private static Optional<Range> range(String line) {
        Matcher copy = COPY.matcher(line);
        if (!copy.matches()) {
            return Optional.empty();
        }
        return Optional.of(
                new Range(
                        Long.parseLong(copy.group(1)),
                        position(copy.group(2), copy.group(3)),
                        copy.group(4) == null
                                ? Long.MAX_VALUE
                                : position(copy.group(4), copy.group(5))));
    }

    private static long position(String page, String line) {
        return Long.parseLong(page) << 16 | Long.parseLong(line);
    }

    /// How many sessions read.
    long sessions() {
        return ranges.stream().map(Range::session).distinct().count();
    }

    /// What was read, each range once. A read that stopped at its limit ends where a later one
    /// begins. A read that may have stopped, because nothing follows it, counts to its end.
    RangeReads ended() {
        TreeMap<Long, Range> byBegin = new TreeMap<>();
        ranges.forEach(range -> byBegin.put(range.from(), range));
        return new RangeReads(
                byBegin.values().stream()
                        .map(
                                range -> {
                                    Long next = byBegin.higherKey(range.from());
                                    return next == null || next >= range.to()
                                            ? range
                                            : new Range(range.session(), range.from(), next);
                                })
                        .toList());
    }

    /// Those of which another list reads a part.
    RangeReads readAgainBy(RangeReads later) {
        return new RangeReads(
                ranges.stream()
                        .filter(range -> later.ranges().stream().anyMatch(range::overlaps))
                        .toList());
    }
}

package dev.millrace.bench.contestant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// CPU seconds of a process tree since its start, from Linux's accounting in `/proc/PID/stat`: user
/// and system time of the process, of its running descendants, and of those that it has reaped. A
/// postmaster reaps its backends, so sessions that have ended still count. Stateless.
public final class CpuTime {

    /// Linux reports CPU time in hundredths of a second, independent of the kernel's tick.
    private static final double TICKS_PER_SECOND = 100;

    /// The fields utime, stime, cutime and cstime, counted after the command's name.
    private static final int FIRST_FIELD = 11;

    private static final int FIELDS = 4;

    private CpuTime() {}

    /// @return empty on a system without `/proc`
    static OptionalDouble seconds(long pid) {
        if (!Files.isReadable(Path.of("/proc/self/stat"))) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(
                ProcessHandle.of(pid).stream()
                        .flatMap(root -> Stream.concat(Stream.of(root), root.descendants()))
                        .mapToDouble(handle -> ofProcess(handle.pid()))
                        .sum());
    }

    private static double ofProcess(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            double ticks = 0;
            for (int i = FIRST_FIELD; i < FIRST_FIELD + FIELDS; i++) {
                ticks += Double.parseDouble(fields[i]);
            }
            return ticks / TICKS_PER_SECOND;
        } catch (IOException _) {
            // The process has ended; its parent has its time.
            return 0;
        }
    }

    /// CPU seconds of everything that takes part in a measure.
    ///
    /// @param program the contestant's own processes, with its broker
    public record Usage(OptionalDouble program, OptionalDouble source, OptionalDouble target) {

        public Usage since(Usage earlier) {
            return new Usage(
                    difference(program, earlier.program),
                    difference(source, earlier.source),
                    difference(target, earlier.target));
        }

        public OptionalDouble total() {
            return program.isPresent() && source.isPresent() && target.isPresent()
                    ? OptionalDouble.of(
                            program.getAsDouble() + source.getAsDouble() + target.getAsDouble())
                    : OptionalDouble.empty();
        }

        private static OptionalDouble difference(OptionalDouble later, OptionalDouble earlier) {
            return later.isPresent() && earlier.isPresent()
                    ? OptionalDouble.of(later.getAsDouble() - earlier.getAsDouble())
                    : OptionalDouble.empty();
        }
    }
}

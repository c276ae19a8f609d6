package dev.millrace.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/// CPU seconds of a process, its running descendants and those it has reaped, from Linux'
/// accounting.
final class CpuTime {

    /// Linux reports CPU time in hundredths of a second, independent of the kernel's tick.
    private static final double TICKS_PER_SECOND = 100;

    private static final int USER_TIME = 11;
    private static final int FIELDS = 4;

    private CpuTime() {}

    static double seconds(long pid) {
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        return process.stream()
                .flatMap(root -> Stream.concat(Stream.of(root), root.descendants()))
                .mapToDouble(handle -> own(handle.pid()))
                .sum();
    }

    private static double own(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            double ticks = 0;
            for (int i = USER_TIME; i < USER_TIME + FIELDS; i++) {
                ticks += Double.parseDouble(fields[i]);
            }
            return ticks / TICKS_PER_SECOND;
        } catch (IOException _) {
            return 0;
        }
    }
}

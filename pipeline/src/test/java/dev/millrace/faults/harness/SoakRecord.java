package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/// Heap and retained WAL over the time of a soak, with the faults between two samples. Not
/// thread-safe.
final class SoakRecord {

    private static final int WIDTH = 900;
    private static final int HEIGHT = 200;
    private static final int MARGIN = 30;

    /// Fewer samples say nothing about a trend.
    private static final int LEAST_SAMPLES = 40;

    /// A process has its caches after the first minutes; a leak of a soak goes on growing.
    private static final double MOST_GROWTH = 1.5;

    /// The medians of two halves of random faults differ by less.
    private static final long NOISE_BYTES = 64L << 20;

    private final long begun = System.nanoTime();
    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, Integer> kinds = new TreeMap<>();
    private List<String> faults = new ArrayList<>();

    /// @param second since the begin
    /// @param retained bytes of WAL
    /// @param heap bytes after a collection
    private record Sample(long second, long retained, long heap, String faults) {}

    void fault(String name) {
        faults.add(name);
        kinds.merge(name, 1, Integer::sum);
    }

    int faults() {
        return kinds.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// How often each fault occurred.
    Map<String, Integer> kinds() {
        return kinds;
    }

    /// @param heap empty if the child has ended; then there is no sample
    void sample(long retained, OptionalLong heap) {
        if (heap.isPresent()) {
            samples.add(
                    new Sample(
                            Duration.ofNanos(System.nanoTime() - begun).toSeconds(),
                            retained,
                            heap.getAsLong(),
                            String.join(" + ", faults)));
            faults = new ArrayList<>();
        }
    }

    /// Writes `soak-SEED.csv` and `soak-SEED.svg`.
    ///
    /// @return the CSV
    Path write(long seed) throws IOException {
        Path folder = Files.createDirectories(Path.of("target", "soak"));
        Files.writeString(
                folder.resolve("soak-" + seed + ".svg"),
                "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='12'>\n"
                                .formatted(WIDTH, 2 * (HEIGHT + 2 * MARGIN))
                        + plot("Heap after a collection", 0, Sample::heap)
                        + plot("WAL that the source retains", HEIGHT + 2 * MARGIN, Sample::retained)
                        + "</svg>\n");
        return Files.writeString(
                folder.resolve("soak-" + seed + ".csv"),
                samples.stream()
                        .map(
                                each ->
                                        "%d,%d,%d,%s"
                                                .formatted(
                                                        each.second(),
                                                        each.retained(),
                                                        each.heap(),
                                                        each.faults()))
                        .collect(
                                Collectors.joining(
                                        "\n",
                                        "second,retained_wal_bytes,heap_bytes,faults_before\n",
                                        "\n")));
    }

    private String plot(String title, int top, ToLongFunction<Sample> value) {
        long most = Math.max(1, samples.stream().mapToLong(value).max().orElse(1));
        long last = Math.max(1, samples.isEmpty() ? 1 : samples.getLast().second());
        String points =
                samples.stream()
                        .map(
                                each ->
                                        (MARGIN + each.second() * (WIDTH - 2 * MARGIN) / last)
                                                + ","
                                                + (top
                                                        + MARGIN
                                                        + HEIGHT
                                                        - value.applyAsLong(each) * HEIGHT / most))
                        .collect(Collectors.joining(" "));
        return ("<text x='%d' y='%d'>%s: at most %.1f MB in %d s</text>\n"
                        + "<polyline fill='none' stroke='#1f6f8b' points='%s'/>\n")
                .formatted(MARGIN, top + 20, title, most / 1e6, last, points);
    }

    /// Requires that the second half does not need more than the first half, up to noise.
    void requireFlat() {
        assertThat(samples)
                .as("samples of heap and WAL; with few of them, run for more -Dminutes")
                .hasSizeGreaterThanOrEqualTo(LEAST_SAMPLES);
        requireFlat("heap", Sample::heap);
        requireFlat("retained WAL", Sample::retained);
    }

    private void requireFlat(String what, ToLongFunction<Sample> value) {
        int half = samples.size() / 2;
        assertThat((double) median(samples.subList(half, samples.size()), value))
                .as("median of the second half: " + what)
                .isLessThanOrEqualTo(
                        NOISE_BYTES + MOST_GROWTH * median(samples.subList(0, half), value));
    }

    private static long median(List<Sample> some, ToLongFunction<Sample> value) {
        return some.stream().mapToLong(value).sorted().toArray()[some.size() / 2];
    }
}

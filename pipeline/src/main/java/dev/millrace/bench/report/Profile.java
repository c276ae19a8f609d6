package dev.millrace.bench.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingFile;

/// Where the service's CPU time goes, from the execution samples of a Flight Recorder file. JFR
/// samples threads that run Java code, so compilation, garbage collection and the kernel do not
/// appear. Immutable.
///
/// @param samples number of samples
/// @param threads share of the samples by thread, largest first; numbers in names are left out, so
///   that the threads of a pool count as one
/// @param packages share by the package of the method that ran
/// @param methods share by the method that ran
public record Profile(
        long samples, List<Share> threads, List<Share> packages, List<Share> methods) {

    private static final int LONGEST = 12;

    /// @param part from 0 to 1
    record Share(String name, double part) {}

    public static Profile read(Path recording) throws IOException {
        Map<String, Long> threads = new TreeMap<>();
        Map<String, Long> packages = new TreeMap<>();
        Map<String, Long> methods = new TreeMap<>();
        long samples = 0;
        try (RecordingFile file = new RecordingFile(recording)) {
            while (file.hasMoreEvents()) {
                RecordedEvent event = file.readEvent();
                if (!event.getEventType().getName().equals("jdk.ExecutionSample")
                        || event.getStackTrace() == null
                        || event.getStackTrace().getFrames().isEmpty()) {
                    continue;
                }
                samples++;
                RecordedFrame top = event.getStackTrace().getFrames().getFirst();
                String type = top.getMethod().getType().getName();
                RecordedThread thread = event.getThread("sampledThread");
                count(threads, thread == null ? "unknown" : pool(thread.getJavaName()));
                count(packages, type.contains(".") ? type.substring(0, type.lastIndexOf('.')) : "");
                count(methods, type + "." + top.getMethod().getName());
            }
        }
        return new Profile(
                samples,
                shares(threads, samples),
                shares(packages, samples),
                shares(methods, samples));
    }

    private static String pool(String thread) {
        return thread == null ? "unknown" : thread.replaceAll("[0-9a-f]{8}-[-0-9a-f]+|\\d+", "#");
    }

    private static void count(Map<String, Long> counts, String name) {
        counts.merge(name, 1L, Long::sum);
    }

    private static List<Share> shares(Map<String, Long> counts, long samples) {
        return counts.entrySet().stream()
                .map(one -> new Share(one.getKey(), (double) one.getValue() / samples))
                .sorted(Comparator.comparingDouble(Share::part).reversed())
                .limit(LONGEST)
                .toList();
    }
}

package dev.millrace.http;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.lang.management.RuntimeMXBean;
import java.lang.management.ThreadInfo;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/// What the process does at this moment: `GET /api/v1/threads`. Only names of threads, methods and
/// locks: no argument, no variable, no property of the process. Thread-safe.
@RestController
@RequestMapping("/api/v1")
public final class DiagnosticsApi {

    /// The version, the memory and the stack of each platform thread, for a person.
    @GetMapping(path = "/threads", produces = MediaType.TEXT_PLAIN_VALUE)
    String threads() {
        StringBuilder text = new StringBuilder();
        RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
        String version = DiagnosticsApi.class.getPackage().getImplementationVersion();
        line(text, "millrace " + Objects.requireNonNullElse(version, "(not packaged)"));
        line(
                text,
                runtime.getVmName()
                        + " "
                        + runtime.getVmVersion()
                        + ", up "
                        + runtime.getUptime() / 1000
                        + " s, processors "
                        + Runtime.getRuntime().availableProcessors());
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        line(text, "heap used " + heap.getUsed() + ", max " + heap.getMax());
        ThreadInfo[] threads = ManagementFactory.getThreadMXBean().dumpAllThreads(true, true);
        Arrays.stream(threads)
                .sorted(Comparator.comparing(ThreadInfo::getThreadName))
                .forEach(thread -> append(text, thread));
        return text.toString();
    }

    private static void append(StringBuilder text, ThreadInfo thread) {
        line(text, "");
        line(
                text,
                "\""
                        + thread.getThreadName()
                        + "\" #"
                        + thread.getThreadId()
                        + " "
                        + state(thread));
        for (StackTraceElement frame : thread.getStackTrace()) {
            line(text, "    at " + frame);
        }
    }

    private static String state(ThreadInfo thread) {
        String lock = thread.getLockName() == null ? "" : " on " + thread.getLockName();
        String owner =
                thread.getLockOwnerName() == null
                        ? ""
                        : " owned by \"" + thread.getLockOwnerName() + "\"";
        return thread.getThreadState() + lock + owner;
    }

    private static void line(StringBuilder text, String line) {
        text.append(line).append('\n');
    }
}

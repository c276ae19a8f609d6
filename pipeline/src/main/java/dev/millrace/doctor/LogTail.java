package dev.millrace.doctor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The end of a log file.
public final class LogTail {

    private static final int MOST_BYTES = 2 * 1024 * 1024;

    private LogTail() {}

    /// The last lines of the file, at most 2 MiB, from the beginning of a line on.
    ///
    /// @param log `null` if none was named
    public static String read(@Nullable Path log) throws IOException, Bundle.LeftOut {
        if (log == null) {
            throw new Bundle.LeftOut(
                    "no log file was named with --log; the service writes its log to its output");
        }
        try (SeekableByteChannel file = Files.newByteChannel(log)) {
            long from = Math.max(0, file.size() - MOST_BYTES);
            ByteBuffer end = ByteBuffer.allocate((int) (file.size() - from));
            file.position(from);
            while (end.hasRemaining() && file.read(end) >= 0) {
                // Reads on until the buffer is full or the file ends.
            }
            end.flip();
            String text = StandardCharsets.UTF_8.decode(end).toString();
            return from == 0 ? text : text.substring(text.indexOf('\n') + 1);
        } catch (NoSuchFileException _) {
            throw new Bundle.LeftOut("there is no file " + log);
        }
    }
}

package dev.millrace.route;

import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The file that `pgbouncer.ini` includes, with the line of one database. Only the right side of
/// that line is changed. The file is replaced as a whole and keeps its mode and group, so that
/// PgBouncer reads either the old or the new one. Not safe against another writer.
///
/// @param database matches `[A-Za-z0-9_.-]+`
record PoolFile(Path file, String database) {

    private static final int LARGEST = 1024 * 1024;

    /// @return empty unless exactly one line declares the database with `name=value` settings
    Optional<Server> server() throws IOException {
        List<String> found = new ArrayList<>();
        Matcher line = line().matcher(text());
        while (line.find()) {
            found.add(line.group(2));
        }
        return found.size() == 1 ? Server.parse(found.getFirst()) : Optional.empty();
    }

    /// Does nothing when the line already has these settings.
    void write(Server server) throws IOException {
        if (server().filter(server::means).isPresent()) {
            return;
        }
        replace(
                line().matcher(text())
                        .replaceFirst("$1" + Matcher.quoteReplacement(server.line())));
    }

    /// Makes the copy that [#write] would put in place, and removes it.
    void checkWritable() throws IOException {
        Files.delete(copy(text()));
    }

    private void replace(String text) throws IOException {
        Path copy = copy(text);
        Files.move(
                copy,
                target(),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel folder = FileChannel.open(folder(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    private Path copy(String text) throws IOException {
        Path target = target();
        Path copy = folder().resolve("." + target.getFileName() + ".millrace");
        PosixFileAttributes old = Files.readAttributes(target, PosixFileAttributes.class);
        Files.deleteIfExists(copy);
        try {
            Files.createFile(
                    copy,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
            try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            PosixFileAttributeView view =
                    Objects.requireNonNull(
                            Files.getFileAttributeView(
                                    copy, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS));
            if (!view.readAttributes().group().equals(old.group())) {
                view.setGroup(old.group());
            }
            if (!view.readAttributes().owner().equals(old.owner())) {
                keepOwner(view, old);
            }
            view.setPermissions(old.permissions());
            return copy;
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(copy);
            throw e;
        }
    }

    /// Only a superuser can. Otherwise group and mode must let PgBouncer read the file.
    private static void keepOwner(PosixFileAttributeView view, PosixFileAttributes old) {
        try {
            view.setOwner(old.owner());
        } catch (IOException _) {
            // The file now belongs to this user.
        }
    }

    private String text() throws IOException {
        if (Files.size(file) > LARGEST) {
            throw new IOException("too large");
        }
        return Files.readString(file);
    }

    /// The file itself where the path is a symbolic link.
    private Path target() throws IOException {
        return file.toRealPath();
    }

    private Path folder() throws IOException {
        return Objects.requireNonNull(target().getParent());
    }

    private Pattern line() {
        return Pattern.compile(
                "^([ \\t]*" + Pattern.quote(database) + "[ \\t]*=[ \\t]*)([^\\r\\n]*)",
                Pattern.MULTILINE);
    }
}

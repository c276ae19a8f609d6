package dev.millrace.packaging;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/// An unpacked tar archive with the header of each entry.
record Archive(Path folder, List<Entry> entries) {

    /// @param mode the permission bits, `0755` as an octal number
    /// @param modified seconds since 1970
    /// @param extended names of the PAX headers, which often contain the build time
    /// @param sha256 digest of a file's content; empty for a directory
    record Entry(
            String name,
            boolean directory,
            boolean link,
            int mode,
            long uid,
            long gid,
            long modified,
            Set<String> extended,
            String sha256) {

        String fileName() {
            return Path.of(name).getFileName().toString();
        }
    }

    static Archive unpack(Path gzippedTar, Path into) {
        try (InputStream raw = Files.newInputStream(gzippedTar)) {
            return unpack(new GZIPInputStream(new BufferedInputStream(raw), 1 << 16), into);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @param plain an uncompressed archive, read to its end and not closed
    static Archive unpack(InputStream plain, Path into) throws IOException {
        List<Entry> entries = new ArrayList<>();
        TarArchiveInputStream tar = new TarArchiveInputStream(plain);
        for (TarArchiveEntry entry = tar.getNextEntry();
                entry != null;
                entry = tar.getNextEntry()) {
            Path file = into.resolve(entry.getName()).normalize();
            if (!file.startsWith(into)) {
                throw new IOException("Archive entry is outside the folder: " + entry.getName());
            }
            entries.add(described(entry, write(tar, entry, file)));
        }
        return new Archive(into, List.copyOf(entries));
    }

    private static Entry described(TarArchiveEntry entry, String sha256) {
        return new Entry(
                entry.getName(),
                entry.isDirectory(),
                entry.isLink() || entry.isSymbolicLink(),
                entry.getMode() & 07777,
                entry.getLongUserId(),
                entry.getLongGroupId(),
                entry.getLastModifiedTime().toInstant().getEpochSecond(),
                Set.copyOf(entry.getExtraPaxHeaders().keySet()),
                sha256);
    }

    private static String write(TarArchiveInputStream tar, TarArchiveEntry entry, Path file)
            throws IOException {
        if (entry.isDirectory()) {
            Files.createDirectories(file);
            return "";
        }
        if (!entry.isFile() || entry.isLink() || entry.isSymbolicLink()) {
            return "";
        }
        Files.createDirectories(file.getParent());
        MessageDigest sha256 = sha256();
        try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), sha256)) {
            tar.transferTo(out);
        }
        Set<PosixFilePermission> permissions =
                EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
        if ((entry.getMode() & 0100) != 0) {
            permissions.add(PosixFilePermission.OWNER_EXECUTE);
        }
        Files.setPosixFilePermissions(file, permissions);
        return HexFormat.of().formatHex(sha256.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

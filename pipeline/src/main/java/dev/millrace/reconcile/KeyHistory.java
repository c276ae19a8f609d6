package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.log.Logged;
import java.util.Set;

/// What a stretch of the log says of one key.
///
/// @param image after the last change
/// @param before that change
/// @param last offset of the last change, -1 for none
/// @param byHidden one of the changes belongs to a transaction that the source didn't show
record KeyHistory(KeyImage image, KeyImage before, int partition, long last, boolean byHidden) {

    static final KeyHistory NONE =
            new KeyHistory(new KeyImage.Unseen(), new KeyImage.Unseen(), -1, -1, false);

    KeyHistory after(Logged<ChangeEvent> change, Set<Long> hidden) {
        boolean hides =
                change.content() instanceof ChangeEvent.OfRow row && row.origin().isOfOne(hidden)
                        || change.content() instanceof ChangeEvent.Truncate truncate
                                && truncate.origin().isOfOne(hidden);
        return new KeyHistory(
                KeyImage.after(image, change),
                image,
                change.partition(),
                change.offset(),
                byHidden || hides);
    }
}

package org.objmapper.client;

/**
 * An object in a listing. Immutable.
 *
 * @param key under which it stands
 * @param generation as {@link ObjectMetadata#generation}
 * @param length bytes of its body
 * @param createdMillis since 1970
 * @param expiryMillis since 1970; {@link PutOptions#NEVER} for never
 */
public record ListedObject(Key key, long generation, long length, long createdMillis, long expiryMillis) {}

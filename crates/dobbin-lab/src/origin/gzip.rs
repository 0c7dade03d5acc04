//! Gzip without compression (RFC 1951 §3.2.4, RFC 1952): enough to be a valid stream.

/// The most that one stored block holds.
const BLOCK_MAX: usize = 0xFFFF;

/// `plain` as a gzip member of stored blocks.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    // Magic, deflate, no flags, no time, no hint, made on Unix.
    let mut packed = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
    let blocks_count = plain.len().div_ceil(BLOCK_MAX).max(1);
    for index in 0..blocks_count {
        let start = index * BLOCK_MAX;
        let block = &plain[start..plain.len().min(start + BLOCK_MAX)];
        let length = block.len() as u16;
        packed.push(u8::from(index + 1 == blocks_count));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    packed.extend_from_slice(&crc32(plain).to_le_bytes());
    packed.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    packed
}

/// CRC-32 of RFC 1952 §8, bit by bit: the lab packs little.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn blocks_cover_everything() {
        for size in [0, 1, BLOCK_MAX, BLOCK_MAX + 1, 3 * BLOCK_MAX] {
            let packed = pack(&vec![7; size]);
            let blocks_count = size.div_ceil(BLOCK_MAX).max(1);
            assert_eq!(packed.len(), 10 + 5 * blocks_count + size + 8, "{size}");
            let stated = u32::from_le_bytes(packed[packed.len() - 4..].try_into().unwrap());
            assert_eq!(stated as usize, size);
        }
    }
}

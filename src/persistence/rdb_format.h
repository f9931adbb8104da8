// The numbers of the RDB format, in which whole data sets are written and single values travel (DUMP, RESTORE).
//
//   file     = "REDIS" version item* 0xFF checksum          version: four digits ("VALKEY" and three:
//   kRdbVersionValkey) item     = 0xFA name value                              AUX: what readers may ignore, two
//   strings
//            | 0xFE number                                  SELECTDB: of the keys behind it
//            | 0xFB count count                             RESIZEDB: keys, keys that expire; a hint
//            | 0xF5 text                                    FUNCTION2: a library
//            | 0xF4 slot count count                        SLOT_INFO: likewise a hint
//            | attribute* type key value
//   attribute= 0xFC milliseconds | 0xFD seconds             when the key expires
//            | 0xF8 seconds | 0xF9 byte                     since when it is idle, its access frequency
//   payload  = type value version:u16 checksum              of DUMP; the key is not part of it
//   checksum = CRC-64 of all before it, little endian, zero when there is none
//
//   length   = 00nnnnnn | 01nnnnnn n | 0x80 n:u32 | 0x81 n:u64         big endian
//   string   = length bytes | 0xC0 i8 | 0xC1 i16 | 0xC2 i32           integers little endian
//            | 0xC3 length length bytes                                LZF: size packed, size
//
// How values are written is told where they are: rdb_encoder.cc and rdb_stream_codec.cc.
//
// One extension, which others skip because it is an AUX item: sets whose members expire (EXPIREMEMBER) have an item
// named kRdbMemberExpiry in front of their record, or behind the value in a payload. Its value is a sequence of
// (member: string, milliseconds: i64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvick {

// Versions, by what the first server that wrote them knew.
inline constexpr int kRdbVersionMin = 1;             // to read
inline constexpr int kRdbVersionLowest = 10;         // to write: what older ones held, 10 holds too
inline constexpr int kRdbVersionConsumerTimes = 11;  // a consumer's active time; sets as listpacks
inline constexpr int kRdbVersionFieldExpiry = 12;
inline constexpr int kRdbVersionIdempotence = 13;
inline constexpr int kRdbVersionArrays = 14;  // and stream entries that were given back
inline constexpr int kRdbVersionCompactHashes = 15;
inline constexpr int kRdbVersionNewest = 15;
// Of the other lineage, which left this one at 11.
inline constexpr int kRdbVersionValkey = 80;
inline constexpr int kRdbVersionValkeyNewest = 81;

enum class RdbOpcode : uint8_t {
  kHashTemplates = 0xf2,
  kKeyMetadata = 0xf3,  // in files of Valkey: kSlotImport
  kSlotInfo = 0xf4,
  kFunction = 0xf5,
  kFunctionCandidate = 0xf6,  // of a release candidate: refused by everybody
  kModuleAux = 0xf7,
  kIdle = 0xf8,
  kFrequency = 0xf9,
  kAux = 0xfa,
  kResizeDatabase = 0xfb,
  kExpiryMs = 0xfc,
  kExpirySeconds = 0xfd,
  kSelectDatabase = 0xfe,
  kEnd = 0xff,
};
// Opcodes begin here, types lie below.
inline constexpr uint8_t kRdbOpcodeMin = 0xf2;

enum class RdbType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kSortedSetText = 3,  // scores as text
  kHash = 4,
  kSortedSet = 5,
  kModuleOld = 6,
  kModule = 7,
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kSortedSetZiplist = 12,
  kHashZiplist = 13,
  kListZiplists = 14,  // a quicklist whose nodes are ziplists
  kStream = 15,
  kHashListpack = 16,
  kSortedSetListpack = 17,
  kListNodes = 18,  // a quicklist of listpacks and plain elements
  kStream2 = 19,
  kSetListpack = 20,
  kStream3 = 21,
  kHashExpiryCandidate = 22,  // of release candidates; in files of Valkey: kHashExpiryValkey
  kHashListpackExpiryCandidate = 23,
  kHashExpiry = 24,
  kHashListpackExpiry = 25,
  kStream4 = 26,
  kStream5 = 27,
  kArray = 28,
  kHashTemplateListpack = 29,
  kHashTemplateListpackReference = 30,
  kHashTemplateValues = 31,
  kHashTemplateValuesReference = 32,
};
inline constexpr uint8_t kRdbTypeMax = 32;

// How a string that is no plain bytes begins.
enum class RdbStringForm : uint8_t { kInt8 = 0xc0, kInt16 = 0xc1, kInt32 = 0xc2, kLzf = 0xc3 };

// Of the values of modules.
enum class RdbModuleOpcode : uint8_t { kEnd = 0, kSigned = 1, kUnsigned = 2, kFloat = 3, kDouble = 4, kString = 5 };

// Nodes of kListNodes.
inline constexpr uint64_t kRdbNodePlain = 1;
// How the names of a template follow: as a listpack.
inline constexpr uint64_t kRdbNamesPacked = 0;
inline constexpr uint64_t kRdbNodePacked = 2;

inline constexpr std::string_view kRdbMagic = "REDIS";
inline constexpr std::string_view kRdbMagicValkey = "VALKEY";
inline constexpr size_t kRdbHeaderBytes = 9;
inline constexpr size_t kRdbChecksumBytes = 8;
inline constexpr size_t kRdbFooterBytes = 10;  // of a payload: version and checksum

inline constexpr std::string_view kRdbMemberExpiry = "kvick-member-expiry";
// The same, one member after another, behind the record.
inline constexpr std::string_view kRdbKeyDbMember = "keydb-subexpire-key";
inline constexpr std::string_view kRdbKeyDbMoment = "keydb-subexpire-when";

}  // namespace kvick

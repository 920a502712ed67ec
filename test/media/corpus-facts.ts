// What the probe and the doctor say of each file of the corpus, reviewed by hand. Data of corpus-probe.test.ts.
export const CORPUS_FACTS: Readonly<Record<string, string>> = {
  'torture/1080p-6min-low-bitrate.mp4':
    'h264 1920x1080 at 30 10883f 0-362.766667 44k | aac/2 0-360 | [length_mismatch standard]',
  'torture/4k-av1-6min-low-bitrate.mp4':
    'av1 3840x2160 at 60 21766f 0-362.766667 68k | aac/2 0-360 | [length_mismatch]',
  'torture/aac-adts-he-v2.aac': 'aac/2 0-1.207438 | [no_video]',
  'torture/annex-b-in-mp4-1080p.mp4':
    'h264 1920x1080 about 493 6f 0-0.5 1k | [variable_frame_rate high_frame_rate no_audio wrong_duration damaged]',
  'torture/audio-71-opus.opus': 'opus/8 0-13.478563 | [no_video surround]',
  'torture/audio-mono-8khz-aac.m4a': 'aac/1 0.256-3.328 | [no_video mono late_start]',
  'torture/audio-only.mp4': 'aac/1 0.042993-1.087891 | [no_video mono]',
  'torture/av1-bipbop-540p-15s.mp4': 'av1 960x540 at 25 375f 0-15 4k | aac/1 0-15.04 | [mono]',
  'torture/avif-10bit-hdr-p3.avif':
    'still | avif 3681x5594 at - 1f 0-0 1k | [odd_size hdr high_bit_depth still_picture]',
  'torture/bmp-24bit.bmp': 'still | bmp 127x64 at - 1f 0-0 1k | [odd_size still_picture]',
  'torture/cmyk-no-profile.jpg': 'still | jpeg 500x333 at - 1f 0-0 1k | [odd_size still_picture]',
  'torture/dolby-vision-p10-av1-2160p.mp4':
    'unsupported_media: The file (MP4) holds nothing that can be decoded here: stream 0: video, dav1.',
  'torture/eac3-joc-atmos.mp4': 'eac3/6 0-2.048 | [no_video surround]',
  'torture/edit-list-bframe-delay.mp4': 'h264 854x480 at 25 225f 0-9 5k | aac/2 0-9 | [standard]',
  'torture/exif-portrait-5.jpg': 'still | jpeg 1200x1800 at - 1f 0-0 1k | [rotated still_picture]',
  'torture/exif-portrait-7.jpg': 'still | jpeg 1200x1800 at - 1f 0-0 1k | [rotated still_picture]',
  'torture/fps120-240p-60s.mp4': 'h264 320x240 at 120 7200f 0-60 29k | [high_frame_rate no_audio]',
  'torture/fragmented-gizmo.mp4':
    'encrypted_media: The media is encrypted (DRM): its pictures and sound cannot be read without a key.',
  'torture/gif-animated-squares.gif': 'gif 80x80 at 100/3 30f 0-0.9 1k | [unusual_chroma alpha no_audio]',
  'torture/hdr10-av1-mastering-display.mp4':
    'av1 1920x1080 at 60000/1001 60f 0-1.001 1k | aac/2 0-1.021678 | [hdr high_bit_depth]',
  'torture/heic-iphone-img-2682.heic': 'still | heic 4032x3024 at - 1f 0-0 1k | [still_picture]',
  'torture/hlg-hevc-1080p-phone-editlist.mp4':
    'hevc 1080x1920 at 30000/1001 77f 0-2.568333 2k | aac/2 0-2.548345 | [rotated hdr dolby_vision high_bit_depth no_leading_keyframe]',
  'torture/hls-segment-60fps-720sq-hlg-start10s.ts':
    'h264 720x720 at 60 298f 10.033333-15 1k | aac/2 10.012-15.004 | [hdr late_start]',
  'torture/jpeg-giant-20000x14000.jpg':
    'media_limit: The picture is 20000x14000 (280 megapixels); at most 100 megapixels are allowed (MAX_IMAGE_PIXELS).',
  'torture/jpeg-progressive-portrait.jpg': 'still | jpeg 840x700 at - 1f 0-0 1k | [still_picture]',
  'torture/made-dnxhr-sq-720p25-4f.mov': 'dnxhd 1280x720 at 25 4f 0-0.16 4k | [unusual_chroma no_audio]',
  'torture/made-interlaced-mpeg2-576i-sar64-45.ts':
    'mpeg2video 1024x576 at 25 75f 1.44-4.44 7k | mp2/2 1.429978-4.429978 | [anamorphic unusual_chroma interlaced late_start]',
  'torture/mjpeg-camera-100-0306.avi':
    'mjpeg 320x240 at 15 41f 0-2.733333 41k | pcm_s16le/1 0-2.438095 | [unusual_chroma full_range mono]',
  'torture/mpeg4-amr.3gp': 'mpeg4 176x144 at 15 74f 0-4.933333 2k | amr_nb/1 0-4.933375 | [full_range mono]',
  'torture/no-audio-webcam-gesture.mkv': 'h264 640x480 at 30 77f 0.033-2.6 1k | [full_range no_audio]',
  'torture/one-frame-itunes-120fps.mov':
    'h264 1080x1920 at - 1f 0.059-0.067333 1k | aac/1 0-1.002667 | [rotated full_range mono length_mismatch]',
  'torture/png-16bit-rgb.png': 'still | png 900x600 at - 1f 0-0 1k | [high_bit_depth still_picture]',
  'torture/prores-4444-one-frame.mov': 'prores 320x240 at - 1f 0-0.04 1k | [high_bit_depth unusual_chroma no_audio]',
  'torture/rot-and-mirror.mp4': 'h264 720x1080 at 30000/1001 30f 0-1.001 1k | aac/1 0.043991-1.067211 | [rotated mono]',
  'torture/rot90-bbb-1080p-51.mp4':
    'h264 1080x1920 at 24 45f 0.083333-1.958333 1k | aac/6 0-2.005333 | [rotated surround]',
  'torture/sar-2x1-640x360.mp4': 'h264 1280x360 at 30 150f 0-5 1k | [anamorphic no_audio]',
  'torture/subs-8-srt-two-audio-576p-cut.mkv':
    'h264 1024x576 at - 1f 0-0.041 1k | aac/2 0.012-0.182 aac/1 0.009-0.38 | [several_audio_tracks text_subtitles wrong_duration damaged]',
  'torture/subs-pgs.mkv':
    'h264 1080x720 at 600 30f 0-0.049 1k | ac3/1 0-1.009 | [high_frame_rate mono bitmap_subtitles length_mismatch]',
  'torture/tiny-1x1-444.mp4': 'h264 1x1 at 1 5f 0-5 1k | [odd_size unusual_chroma no_audio]',
  'torture/ts-no-initial-keyframe.ts':
    'h264 626x352 at 30000/1001 15f 114.847-115.346367 1k | aac/2 112.713-115.359833 | [anamorphic late_start no_leading_keyframe]',
  'torture/vfr-cursed-odd-1386p.mp4': 'h264 3026x1386 about 125/3 63f 0-8.725503 4k | [variable_frame_rate no_audio]',
  'torture/vp8-30s-bbb-720p.webm': 'vp8 1280x720 at 24 720f 0.003-30.002 10k | vorbis/2 0-30.022 | []',
  'torture/vp9-alpha-200x200.webm': 'vp9 200x200 at 30 150f 0-5 2k | vorbis/2 0-4.943 | [alpha]',
  'torture/vvc-h266.mp4':
    'unsupported_media: The file (MP4) holds nothing that can be decoded here: stream 0: video, vvc1.',
  'torture/wav-24bit.wav': 'pcm_s24le/1 0-1 | [no_video mono]',
  'torture/wav-float32.wav': 'pcm_f32le/1 0-1.021678 | [no_video mono]',
  'torture/webp-alpha.webp': 'still | webp 300x300 at - 1f 0-0 1k | [alpha still_picture]',
  'torture/webp-photo-4.webp': 'still | webp 1024x772 at - 1f 0-0 1k | [still_picture]',
  'torture/wmv2-wmav2.wmv': 'wmv2 320x240 at 30 166f 0-5.533 1k | wmav2/1 0-5.586 | [mono]',
  'torture/wmv3-wmavoice.wmv': 'wmv3 640x480 at 5 25f 0-5 2k | wmavoice/1 0-5 | [mono]',
  'broken/avif-corrupt-bug-1661347.avif': 'still | avif 3840x2160 at - 1f 0-0 1k | [alpha still_picture]',
  'broken/exiv2-poc-2345.mp4':
    'corrupt_media: The upload was cut: the index (moov) is missing. 538976253 bytes that the file announces are not there.',
  'broken/exiv2-poc-2393.mp4':
    'corrupt_media: The index (moov) of the MP4 is missing or damaged: the recording was not finished, or the upload was cut.',
  'broken/heif-clap-overflow.heic': 'corrupt_media: The picture is damaged: it cannot be decoded.',
  'broken/imagers-bad-width.bmp':
    'media_limit: The picture is 2147483647x6 (12885 megapixels); at most 100 megapixels are allowed (MAX_IMAGE_PIXELS).',
  'broken/jpeg-huge-sof-number.jpg': 'still | jpeg 800x600 at - 1f 0-0 1k | [still_picture]',
  'broken/made-hevc-misaligned.ts':
    'hevc 1920x1080 about 24 70f 1.483333-4.525 1k | aac/6 1.483333-4.256667 | [variable_frame_rate surround late_start]',
  'broken/made-html-error-page-named.mp4': 'not_media: The file is an HTML page, not media.',
  'broken/made-imagetragick-mvg.png': 'not_media: The file is a drawing script (MVG), not a picture.',
  'broken/made-lfi-ffconcat.mp4': 'not_media: The file is an FFmpeg script, not media.',
  'broken/made-random-64k.mp4': 'not_media: The file is not video, audio or a picture: nothing in it was recognised.',
  'broken/made-ssrf-hls-concat-exfil.mp4': 'not_media: The file is a playlist (M3U8), not the media it names.',
  'broken/made-ssrf-hls-key-subfile.ts': 'not_media: The file is a playlist (M3U8), not the media it names.',
  'broken/made-svg-huge.svg': 'not_media: The file is an SVG drawing.',
  'broken/made-svg-xxe-ssrf.svg': 'not_media: The file is an SVG drawing.',
  'broken/made-text-named.mp4': 'not_media: The file is plain text, not media.',
  'broken/made-truncated-40pct-bbb.mp4':
    'corrupt_media: The upload was cut: the index (moov) is missing. 1785066 bytes that the file announces are not there.',
  'broken/media3-empty-track.mp4': 'h264 1080x720 at 30000/1001 30f 0-1.000989 1k | aac/1 0-1.088875 | [mono standard]',
  'broken/media3-encrypted-clearkey.mp4':
    'encrypted_media: The media is encrypted (DRM): its pictures and sound cannot be read without a key.',
  'broken/media3-malformed-free-box.mp4':
    'corrupt_media: The index (moov) of the MP4 is missing or damaged: the recording was not finished, or the upload was cut.',
  'broken/media3-vp9-invalid-bitstream.webm':
    'corrupt_media: The file (Matroska or WebM) opens, but nothing in it can be decoded: stream 0: video, vp9.',
  'broken/mediabunny-malformed-join.mp3': 'mp3/2 0-8.594286 | [no_video cover_art]',
  'broken/moviepy-failing-audio.mp4': 'h264 640x360 at 25 280f 0-11.2 3k | mp3/2 0-11.232993 | []',
  'broken/moz-crash-1197935.mp4':
    'corrupt_media: The index (moov) of the MP4 is damaged (FFmpeg: Invalid sample size -1778382458).',
  'broken/moz-crash-1257700.webm':
    'vp9 2873x5115 about 1/4 3f 0-8 2k | opus/2 -0.007-0.153 | [odd_size variable_frame_rate unusual_chroma length_mismatch damaged]',
  'broken/moz-crash-1389304.mp4':
    'corrupt_media: The index (moov) of the MP4 is damaged (FFmpeg: could not find corresponding trex (id 1)). 67053612 bytes that the file announces are not there.',
  'broken/moz-crash-1840002.webm':
    'corrupt_media: The file (Matroska or WebM) names streams but holds no data of them: stream 0: video, vp8.',
  'broken/moz-crash-789075.webm':
    'media_limit: The picture size of the source is 9841x705; at most 8192x4320 is allowed (MAX_VIDEO_WIDTH, MAX_VIDEO_HEIGHT).',
  'broken/moz-crash-encrypted-track-without-tenc.mp4':
    'encrypted_media: The media is encrypted (DRM): its pictures and sound cannot be read without a key.',
  'broken/moz-crash-mp4-box-emptyrange.mp4':
    'corrupt_media: The index (moov) of the MP4 is damaged (FFmpeg: error reading header).',
  'broken/moz-crash-small-timebase.mp4': 'aac/2 0-33.897059 | [no_video wrong_duration damaged]',
  'broken/moz-crash-track-with-zero-dimensions.mp4':
    'vp9 32x18 at 30000/1001 20f 0-0.667333 1k | mp3/1 0-0.936 | [mono]',
  'broken/moz-duration-13h-fragments-1mb.mp4':
    'h264 1024x576 at 25 150f 14.1489-20.1489 6k | [no_audio late_start wrong_duration standard]',
  'broken/moz-fuzz-1200326.mp4':
    'corrupt_media: The index (moov) of the MP4 is damaged (FFmpeg: reached eof, corrupted STCO atom).',
  'broken/moz-fuzz-1301065-i64max.mp4':
    'corrupt_media: The file (MP4) names streams but holds no data of them: stream 0: audio, aac.',
  'broken/moz-fuzz-1351094.mp4': 'h264 320x240 at 2500/83 182f 0.0664-6.1088 7k | [no_audio damaged]',
  'broken/music-metadata-cwe-835.aiff':
    'not_media: The file is not video, audio or a picture: nothing in it was recognised.',
  'broken/music-metadata-cwe-835.wma':
    'corrupt_media: The file begins like Windows Media, but nothing in it can be read.',
  'broken/music-metadata-podcast-data-cut.mp4':
    'corrupt_media: The file (MP4) names streams but holds no data of them: stream 0: video, mjpeg; stream 1: audio, aac.',
  'broken/pillow-broken.png': 'corrupt_media: The picture is damaged: it cannot be decoded.',
  'broken/pillow-decompression-bomb.gif': 'corrupt_media: The picture is damaged: it cannot be decoded.',
  'broken/pillow-truncated-end-chunk.png': 'still | png 128x128 at - 1f 0-0 1k | [still_picture]',
  'broken/sharp-truncated.png': 'still | png 294x240 at - 1f 0-0 1k | [still_picture]',
  'broken/tika-truncated.m4a':
    'corrupt_media: The index (moov) of the MP4 is damaged. 1092816 bytes that the file announces are not there.',
  'broken/vips-invalid-multiframe.gif':
    'gif 10x9 about 20 4f 0-0.25 1k | [odd_size variable_frame_rate unusual_chroma alpha no_audio]',
  'broken/vips-truncated.gif':
    'corrupt_media: The file (GIF) names streams but holds no data of them: stream 0: video, gif.',
  'bench/bbb-1080p24-h264-aac2-43s.mp4': 'h264 1920x1080 at 24 1035f 0-43.125 16k | aac/2 0-43.142676 | [standard]',
  'bench/bbb-720p24-h264-aac-10s.mp4': 'h264 1280x720 at 24 240f 0-10 4k | aac/2 0-10.0078 | [standard]',
  'bench/bbb-720p30-h264-aac2.mp4': 'h264 1280x720 at 30 1216f 0-40.533333 11k | aac/2 0-40.542041 | [standard]',
  'bench/cars-432p-h264-aac-30s-camera.mp4': 'h264 768x432 at 25/2 377f 0-30.16 7k | aac/2 0-30.16 | [standard]',
  'bench/cockatoo-720p20-h264-noaudio-14s.mp4': 'h264 1280x720 at 20 280f 0-14 5k | [no_audio standard]',
  'bench/people-432p-h264-139s-camera.mp4': 'h264 768x432 at 10 1394f 0-139.4 140k | [no_audio standard]',
};
